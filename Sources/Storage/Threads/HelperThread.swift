import Glibc

/// One piece of work on a thread of its own, for whoever already sits on a blocking thread.
///
/// Where the system gives no thread the work is done at once, by the caller.
package final class HelperThread: Sendable {
    private let thread: pthread_t?

    /// Starts the work.
    package init(_ work: @escaping @Sendable () -> Void) {
        let box = Unmanaged.passRetained(HelperWork(work))
        var thread = pthread_t()
        if pthread_create(&thread, nil, helperThreadMain, box.toOpaque()) == 0 {
            self.thread = thread
        } else {
            box.takeRetainedValue().run()
            self.thread = nil
        }
    }

    /// Waits for the end of the work; call it exactly once.
    package func join() {
        if let thread { pthread_join(thread, nil) }
    }
}

private final class HelperWork: Sendable {
    let run: @Sendable () -> Void

    init(_ run: @escaping @Sendable () -> Void) {
        self.run = run
    }
}

private func helperThreadMain(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let context else { return nil }
    Unmanaged<HelperWork>.fromOpaque(context).takeRetainedValue().run()
    return nil
}
