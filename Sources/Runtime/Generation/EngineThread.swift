import Glibc

/// Runs `body` on a thread of its own.
///
/// Never the cooperative pool's: a step keeps its thread busy for as long as it takes.
func startThread(_ body: @escaping @Sendable () -> Void) throws(EngineError) {
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    defer { pthread_attr_destroy(&attributes) }
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    // Training recurses through the layers of a model and serves from within.
    pthread_attr_setstacksize(&attributes, 8 << 20)
    let box = Unmanaged.passRetained(ThreadBody(run: body))
    var thread = pthread_t()
    let code = pthread_create(
        &thread,
        &attributes,
        { pointer in
            guard let pointer else { return nil }
            let body = Unmanaged<ThreadBody>.fromOpaque(pointer).takeRetainedValue()
            body.run()
            return nil
        },
        box.toOpaque()
    )
    guard code == 0 else {
        box.release()
        throw .modelFailure("cannot start a thread: \(String(cString: strerror(code)))")
    }
}

/// What a thread is started with.
private final class ThreadBody: Sendable {
    let run: @Sendable () -> Void

    init(run: @escaping @Sendable () -> Void) {
        self.run = run
    }
}
