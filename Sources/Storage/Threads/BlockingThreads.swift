import Glibc
import Synchronization

/// Threads for work that waits for disks, apart from Swift's own and from the engine's.
///
/// A thread is started when work comes and all others are busy, up to `limit`, and ends after
/// idling; one slow disk read therefore delays no other until `limit` of them hang.
package final class BlockingThreads: Sendable {
    package typealias Work = @Sendable () -> Void

    private struct State {
        var queue: [Work] = []
        var idle = 0
        var running = 0
    }

    private let limit: Int
    private let state = Mutex(State())
    private let wake: Semaphore

    /// Threads that are started as they are needed, at most `limit`.
    package init(limit: Int) {
        self.limit = limit
        self.wake = Semaphore()
    }

    /// Runs `work` on one of the threads, some time.
    package func submit(_ work: @escaping Work) {
        let isStarting = state.withLock { state in
            state.queue.append(work)
            guard state.queue.count > state.idle, state.running < limit else { return false }
            state.running += 1
            return true
        }
        if !isStarting {
            wake.signal()
        } else if !startThread() {
            // No thread to be had: as good as a limit that is reached, unless it is the first.
            let isStranded = state.withLock { state in
                state.running -= 1
                return state.running == 0
            }
            if isStranded { drain() }
        }
    }

    /// Runs `body` on one of the threads and waits without blocking for its result.
    package func run<Value: Sendable, Failure: Error>(
        _ body: @escaping @Sendable () throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        let result = await withCheckedContinuation { continuation in
            submit {
                do throws(Failure) {
                    continuation.resume(returning: Result<Value, Failure>.success(try body()))
                } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
        }
        return try result.get()
    }

    private func startThread() -> Bool {
        var thread = pthread_t()
        let context = Unmanaged.passRetained(self)
        let code = pthread_create(&thread, nil, blockingThreadMain, context.toOpaque())
        if code != 0 {
            context.release()
            return false
        }
        pthread_detach(thread)
        return true
    }

    fileprivate func work() {
        drain()
        while waitForWork() { drain() }
    }

    private func drain() {
        while let work = state.withLock({ $0.queue.isEmpty ? nil : $0.queue.removeFirst() }) {
            work()
        }
    }

    /// Idles until there may be work; false when this thread is to end.
    private func waitForWork() -> Bool {
        state.withLock { $0.idle += 1 }
        let isSignalled = wake.wait(seconds: 5)
        return state.withLock { state in
            state.idle -= 1
            if isSignalled || !state.queue.isEmpty { return true }
            state.running -= 1
            return false
        }
    }
}

private func blockingThreadMain(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let context else { return nil }
    Unmanaged<BlockingThreads>.fromOpaque(context).takeRetainedValue().work()
    return nil
}

/// A counting semaphore of the C library.
private final class Semaphore: Sendable {
    // Thread-safe: sem_post and the other sem_ functions may be called from any thread.
    nonisolated(unsafe) private let semaphore: UnsafeMutablePointer<sem_t>

    init() {
        semaphore = .allocate(capacity: 1)
        sem_init(semaphore, 0, 0)
    }

    deinit {
        sem_destroy(semaphore)
        semaphore.deallocate()
    }

    func signal() {
        sem_post(semaphore)
    }

    /// False when the time has passed without a signal.
    func wait(seconds: Int) -> Bool {
        var deadline = timespec()
        clock_gettime(CLOCK_REALTIME, &deadline)
        deadline.tv_sec += seconds
        while sem_timedwait(semaphore, &deadline) == -1 {
            if errno != EINTR { return false }
        }
        return true
    }
}
