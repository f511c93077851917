import CLibUV

/// A listening socket.
@LoopActor
final class TCPListener {
    /// The address it is bound to, with the port that the system picked where 0 was asked for.
    private(set) var address: SocketAddress
    private var handle: UVHandle<uv_tcp_t>?
    private var accept: (@LoopActor (Result<TCPConnection, UVError>) -> Void)?
    private var isPaused = false
    private var hasWaiting = false

    /// Binds and listens; every new connection, or what went wrong with it, goes to `accept`.
    init(
        _ address: SocketAddress,
        _ accept: @escaping @LoopActor (Result<TCPConnection, UVError>) -> Void
    ) throws(UVError) {
        self.address = address
        self.accept = accept
        var handle = try UVHandle<uv_tcp_t>(owner: self) { raw throws(UVError) in
            try uvCheck(uv_tcp_init(EventLoop.shared.raw, raw), "make a listener")
        }
        do {
            let name = "\(address.host):\(address.port)"
            // libuv sets SO_REUSEADDR before it binds.
            try uvCheck(address.withPointer { uv_tcp_bind(handle.raw, $0, 0) }, "bind \(name)")
            try uvCheck(uv_listen(handle.stream, 1024, listenerHasConnection), "listen on \(name)")
            self.address = try SocketAddress("ask for the bound address") { name, length in
                uv_tcp_getsockname(handle.raw, name, length)
            }
        } catch {
            handle.close()
            throw error
        }
        self.handle = handle
    }

    /// While true, new connections wait in the kernel's queue.
    var paused: Bool {
        get { isPaused }
        set {
            isPaused = newValue
            if !newValue, hasWaiting { acceptOne() }
        }
    }

    /// Stops listening.
    func close() {
        handle?.close()
        accept = nil
    }

    fileprivate func hasConnection(_ status: Int32) {
        guard status == 0 else {
            // Out of descriptors: libuv has turned the waiting clients away, so this can't spin.
            accept?(.failure(UVError(code: status, operation: "accept a connection")))
            return
        }
        hasWaiting = true
        // libuv asks the kernel for no more until this one is taken.
        if !isPaused { acceptOne() }
    }

    private func acceptOne() {
        guard let handle, !handle.isClosing else { return }
        hasWaiting = false
        do {
            accept?(.success(try TCPConnection(acceptedFrom: handle.stream)))
        } catch {
            accept?(.failure(error))
        }
    }
}

private func listenerHasConnection(_ stream: UnsafeMutablePointer<uv_stream_t>?, _ status: Int32) {
    guard let owner = uvOwner(TCPListener.self, of: stream?.pointee.data) else { return }
    LoopActor.assumeIsolated { owner.hasConnection(status) }
}
