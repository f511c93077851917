package import Glibc
import Synchronization

/// A thread of the operating system with a name and a stack of known size.
///
/// For work that keeps its thread busy, waits for a disk or recurses deep: Swift's cooperative
/// pool has as many threads as processors, and nothing may block there.
package final class Thread: Sendable {
    /// Megabytes of stack unless asked otherwise; only touched pages cost memory.
    package static let defaultStackBytes = 8 << 20

    /// The system's name for it, as `pthread_self` returns it on the thread.
    package let identifier: pthread_t
    private let isJoined = Atomic(false)

    /// Starts a thread that runs `body` and ends.
    ///
    /// - Parameter name: What `ps -L` and debuggers show, 15 bytes at most.
    /// - Throws: ``ThreadError`` where the system gives no thread.
    package init(
        name: StaticString,
        stackBytes: Int = Thread.defaultStackBytes,
        _ body: @escaping @Sendable () -> Void
    ) throws(ThreadError) {
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setstacksize(&attributes, stackBytes)
        let start = Unmanaged.passRetained(ThreadBody(name: name, run: body))
        var identifier = pthread_t()
        let code = pthread_create(&identifier, &attributes, runThreadBody, start.toOpaque())
        guard code == 0 else {
            start.release()
            throw ThreadError(code: code)
        }
        self.identifier = identifier
    }

    deinit {
        // What nobody waited for runs on and frees itself.
        if !isJoined.load(ordering: .relaxed) { pthread_detach(identifier) }
    }

    /// Waits for the end of the body; called at most once.
    package func join() {
        let wasJoined = isJoined.exchange(true, ordering: .relaxed)
        precondition(!wasJoined, "a thread is joined once")
        pthread_join(identifier, nil)
    }
}

/// The system gave no thread.
package struct ThreadError: Error, CustomStringConvertible {
    /// An `errno`, usually `EAGAIN`: too many threads or too little memory.
    package let code: Int32

    package var description: String { "cannot start a thread: \(String(cString: strerror(code)))" }
}

/// What a thread is started with.
private final class ThreadBody: Sendable {
    let name: StaticString
    let run: @Sendable () -> Void

    init(name: StaticString, run: @escaping @Sendable () -> Void) {
        self.name = name
        self.run = run
    }
}

private func runThreadBody(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let argument else { return nil }
    let body = Unmanaged<ThreadBody>.fromOpaque(argument).takeRetainedValue()
    name(body.name)
    body.run()
    return nil
}

/// Names the calling thread; it stays without a name where that fails.
private func name(_ name: StaticString) {
    let descriptor = open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    name.withUTF8Buffer { _ = write(descriptor, $0.baseAddress, $0.count) }
}
