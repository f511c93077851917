import CLibUV

/// Calls a closure on the loop whenever the process gets one signal.
@LoopActor
public final class SignalSource {
    private var handle: UVHandle<uv_signal_t>?
    private var receive: (@LoopActor () -> Void)?

    /// Listens to `signal`, such as `SIGTERM`, until `close()`.
    public init(_ signal: Int32, _ receive: @escaping @LoopActor () -> Void) throws(UVError) {
        self.receive = receive
        var handle = try UVHandle<uv_signal_t>(owner: self) { raw throws(UVError) in
            try uvCheck(uv_signal_init(EventLoop.shared.raw, raw), "make a signal source")
        }
        do {
            let result = uv_signal_start(handle.raw, signalDidArrive, signal)
            try uvCheck(result, "listen to signal \(signal)")
        } catch {
            handle.close()
            throw error
        }
        self.handle = handle
    }

    /// Stops listening.
    public func close() {
        handle?.close()
        receive = nil
    }

    fileprivate func didReceive() { receive?() }
}

private func signalDidArrive(_ signal: UnsafeMutablePointer<uv_signal_t>?, _ number: Int32) {
    guard let owner = uvOwner(SignalSource.self, of: signal?.pointee.data) else { return }
    LoopActor.assumeIsolated { owner.didReceive() }
}
