import CKernels

/// Threads that share the work of one kernel call at a time.
///
/// Called by one thread at a time (the engine's), which takes part in the work. Idle workers sleep.
/// Results never depend on the number of threads: a kernel's units write disjoint outputs.
///
/// Owner: one thread at a time, which drives the C pool.
public final class ThreadPool: @unchecked Sendable {
    /// Threads working on a call, the calling one included.
    public let threads: Int

    let pool: OpaquePointer

    /// Starts `threads - 1` workers; fewer when the system refuses more.
    public init(threads: Int) {
        guard let pool = fk_pool_create(Int32(clamping: threads)) else {
            preconditionFailure("out of memory for a thread pool")
        }
        self.pool = pool
        self.threads = Int(fk_pool_threads(pool))
    }

    deinit { fk_pool_destroy(pool) }

    /// Keeps the workers awake between the calls of `body`: those of one step follow each other closely.
    public func held<T>(_ body: () throws -> T) rethrows -> T {
        fk_pool_hold(pool, 1)
        defer { fk_pool_hold(pool, -1) }
        return try body()
    }

    /// Runs `body` for 0 ..< count, in any order on any thread, and returns when all are done.
    public func parallel(_ count: Int, _ body: (Int) -> Void) {
        withoutActuallyEscaping(body) { parallel(count, kept: $0) }
    }

    /// The same for a closure that its caller keeps: nothing is allocated.
    public func parallel(_ count: Int, kept body: @escaping (Int) -> Void) {
        guard count > 0 else { return }
        var work = Work(body: body)
        withUnsafeMutablePointer(to: &work) { pointer in
            fk_pool_run(
                pool,
                count,
                { context, index in
                    context?.assumingMemoryBound(to: Work.self).pointee.body(index)
                },
                pointer
            )
        }
    }
}

/// A closure behind a pointer: by itself it would be wrapped, on the heap, to be pointed to.
private struct Work {
    let body: (Int) -> Void
}
