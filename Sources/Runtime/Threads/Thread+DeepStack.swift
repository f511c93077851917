import Glibc

extension Thread {
    /// Room for everything that recurses as deep as its input nests.
    ///
    /// The deepest is a chat template with 200 open macro calls, each through a few dozen frames of
    /// a debug build. Only pages that are touched cost memory.
    private static let deepStackBytes = 64 << 20

    /// Starts a thread with a deep stack.
    package static func deep(
        name: StaticString,
        _ body: @escaping @Sendable () -> Void
    ) throws(ThreadError) -> Thread {
        try Thread(name: name, stackBytes: deepStackBytes) {
            pthread_setspecific(deepStackKey, UnsafeRawPointer(bitPattern: 1))
            body()
        }
    }

    /// Runs `body` where calls may nest deep: here if this thread has a deep stack, else on a new
    /// thread, whose end is waited for.
    ///
    /// - Throws: What `body` throws, or what `noThread` makes of a system without threads.
    package static func withDeepStack<Success, Failure: Error>(
        noThread: (ThreadError) -> Failure,
        _ body: () throws(Failure) -> Success
    ) throws(Failure) -> Success {
        guard !hasDeepStack else { return try body() }
        let result = withoutActuallyEscaping(body) { body in
            let work = JoinedWork(body)
            do throws(ThreadError) {
                try deep(name: "deep") { work.run() }.join()
                return work.result ?? .failure(noThread(ThreadError(code: EAGAIN)))
            } catch {
                return .failure(noThread(error))
            }
        }
        return try result.get()
    }

    /// Whether this thread was started with a deep stack.
    package static var hasDeepStack: Bool { pthread_getspecific(deepStackKey) != nil }

    /// Marks threads with a deep stack.
    private static let deepStackKey: pthread_key_t = {
        var key = pthread_key_t()
        pthread_key_create(&key, nil)
        return key
    }()
}

/// Work that another thread does while this one waits, and its result.
///
/// Thread-safe: join keeps the caller waiting, so that only one of the two threads runs.
private final class JoinedWork<Success, Failure: Error>: @unchecked Sendable {
    private let body: () throws(Failure) -> Success
    private(set) var result: Result<Success, Failure>?

    init(_ body: @escaping () throws(Failure) -> Success) { self.body = body }

    func run() {
        do throws(Failure) {
            result = .success(try body())
        } catch {
            result = .failure(error)
        }
    }
}
