import Glibc

/// The threads on which requests are parsed, rendered, tokenized and serialized.
///
/// Swift's cooperative pool has as many threads as the machine has processors, and connections,
/// streams and health checks share it: a body that keeps one busy for a second would hold all of
/// them up. Here the number of threads is bounded too, and large bodies have a part of them, so
/// that many of them at once leave small ones a way through.
package enum ProcessorWork {
    /// Bodies of at least this many bytes are large.
    package static let largeBytes = 128 << 10

    private static let small = pool(threads: 8)
    private static let large = pool(threads: 4)

    /// As many threads as the machine has processors, at most `threads`.
    private static func pool(threads: Int) -> WorkerPool {
        let processors = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        return WorkerPool(
            name: "processor",
            limit: min(threads, processors),
            hasDeepStacks: true
        )
    }

    /// Does work on `bytes` bytes of input or output and waits, without blocking, for its result.
    package static func run<Value: Sendable, Failure: Error>(
        bytes: Int,
        _ body: @escaping @Sendable () throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        try await (bytes < largeBytes ? small : large).run(body)
    }
}
