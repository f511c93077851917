import CLibUV
import Glibc
import InferenceRuntime
import Synchronization

/// One libuv loop on a thread of its own, and Swift's serial executor of everything that runs there.
///
/// Work comes in through an inbox: `enqueue` for Swift's jobs, `post` for calls. Both append under a
/// lock and ring `uv_async_send`, the one libuv call that other threads may make. The loop swaps
/// the inbox out and runs what is in it.
public final class EventLoop: SerialExecutor {
    /// The loop of `LoopActor`, started when it is first used.
    public static let shared = EventLoop()

    /// What other threads have left for the loop.
    private struct Inbox {
        var jobs: [UnownedJob] = []
        var calls: [@Sendable @LoopActor () -> Void] = []
        var isRinging = false

        /// Whether the bell has to be rung for what was just added.
        mutating func needsRing() -> Bool {
            defer { isRinging = true }
            return !isRinging
        }
    }

    /// How many bytes one read takes from a socket at most.
    static let readBufferBytes = 64 << 10

    private let inbox = Mutex(Inbox())
    private let stopRequested = Atomic(false)
    private let thread = Atomic<pthread_t>(0)
    private let started = Mutex<Thread?>(nil)  // kept, so that it can be joined
    // Owner: the loop's thread. Others only hand the pointer on.
    nonisolated(unsafe) let raw: UnsafeMutablePointer<uv_loop_t>
    // Thread-safe: uv_async_send may be called from any thread; the loop's thread does the rest.
    private nonisolated(unsafe) let bell: UnsafeMutablePointer<uv_async_t>

    private init() {
        raw = .allocate(capacity: 1)
        bell = .allocate(capacity: 1)
        // A peer that is gone must be an error of the write, not the end of the process.
        signal(SIGPIPE, SIG_IGN)
        precondition(uv_loop_init(raw) == 0, "libuv cannot make a loop")
        raw.pointee.data = .allocate(byteCount: Self.readBufferBytes, alignment: 64)
        precondition(uv_async_init(raw, bell, loopWasRung) == 0, "libuv cannot make a bell")
        bell.pointee.data = Unmanaged.passUnretained(self).toOpaque()
        startThread()
    }

    private func startThread() {
        do throws(ThreadError) {
            let started = try Thread(name: "loop") { [self] in
                thread.store(pthread_self(), ordering: .releasing)
                run()
            }
            thread.store(started.identifier, ordering: .releasing)
            self.started.withLock { $0 = started }
        } catch {
            preconditionFailure("the loop has no thread: \(error)")
        }
    }

    private func run() {
        uv_run(raw, UV_RUN_DEFAULT)
        // Only `bellDidClose` callbacks may be left; a handle without owner shows up here.
        uv_run(raw, UV_RUN_NOWAIT)
        raw.pointee.data.deallocate()
        let result = uv_loop_close(raw)
        precondition(result == 0, "a libuv handle was left open: \(handleKinds())")
        bell.deallocate()
        raw.deallocate()
    }

    /// Runs a call on the loop, after those posted before it.
    public func post(_ call: @escaping @Sendable @LoopActor () -> Void) {
        let ring = inbox.withLock { inbox in
            inbox.calls.append(call)
            return inbox.needsRing()
        }
        if ring { uv_async_send(bell) }
    }

    /// Takes a job from Swift's runtime.
    public func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let ring = inbox.withLock { inbox in
            inbox.jobs.append(job)
            return inbox.needsRing()
        }
        if ring { uv_async_send(bell) }
    }

    /// Runs what the inbox holds.
    ///
    /// What arrives meanwhile waits for the next turn of the loop, so that sockets get theirs in
    /// between.
    fileprivate func emptyInbox() {
        var taken = Inbox()
        inbox.withLock { swap(&$0, &taken) }
        for job in taken.jobs { job.runSynchronously(on: asUnownedSerialExecutor()) }
        LoopActor.assumeIsolated { [calls = taken.calls] in
            for call in calls { call() }
        }
        guard stopRequested.load(ordering: .acquiring), uv_is_closing(handle) == 0 else { return }
        uv_close(handle, nil)
        uv_stop(raw)
    }

    private var handle: UnsafeMutablePointer<uv_handle_t> {
        UnsafeMutableRawPointer(bell).assumingMemoryBound(to: uv_handle_t.self)
    }

    /// Ends the loop and its thread; every handle must have been closed by its owner.
    ///
    /// For the end of the process: nothing can run on `LoopActor` afterwards.
    public func shutdown() {
        guard !stopRequested.exchange(true, ordering: .acquiringAndReleasing) else { return }
        uv_async_send(bell)
        started.withLock { $0 }?.join()
    }

    /// The handles that are open, by kind and number.
    private func handleKinds() -> [String: Int] {
        var kinds: [String: Int] = [:]
        withUnsafeMutablePointer(to: &kinds) { uv_walk(raw, countHandle, $0) }
        return kinds
    }

    /// Whether the caller runs on the loop's thread.
    public var isCurrent: Bool { thread.load(ordering: .acquiring) == pthread_self() }

    /// Stops the process where the caller does not run on the loop's thread.
    public func checkIsolated() {
        precondition(isCurrent, "this belongs to the loop's thread")
    }

    /// Whether the caller runs on the loop's thread, for Swift's runtime.
    public func isIsolatingCurrentContext() -> Bool? { isCurrent }
}

private func loopWasRung(_ bell: UnsafeMutablePointer<uv_async_t>?) {
    guard let data = bell?.pointee.data else { return }
    Unmanaged<EventLoop>.fromOpaque(data).takeUnretainedValue().emptyInbox()
}

private func countHandle(
    _ handle: UnsafeMutablePointer<uv_handle_t>?,
    _ argument: UnsafeMutableRawPointer?
) {
    guard let handle, let argument, let name = uv_handle_type_name(handle.pointee.type) else {
        return
    }
    let kinds = argument.assumingMemoryBound(to: [String: Int].self)
    kinds.pointee[String(cString: name), default: 0] += 1
}
