import DequeModule
import Glibc
import Synchronization

/// A bounded number of threads for work that would hold Swift's cooperative pool up.
///
/// A thread is started when work comes and all others are busy, up to `limit`, and ends after
/// idling for five seconds. Work that finds all threads busy waits for its turn in order of arrival.
package final class WorkerPool: Sendable {
    package typealias Work = @Sendable () -> Void

    private struct State {
        var queue: Deque<Work> = []
        var idle = 0
        var running = 0
    }

    private let name: StaticString
    private let limit: Int
    private let hasDeepStacks: Bool
    private let state = Mutex(State())
    private let wake = Semaphore()

    /// Threads that are started as they are needed, at most `limit`.
    ///
    /// - Parameters:
    ///   - name: What `ps -L` and debuggers show.
    ///   - hasDeepStacks: Whether the work recurses as deep as its input nests.
    package init(
        name: StaticString,
        limit: Int,
        hasDeepStacks: Bool = false
    ) {
        self.name = name
        self.limit = limit
        self.hasDeepStacks = hasDeepStacks
    }

    /// Runs `body` on one of the threads and waits, without blocking, for its result.
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

    /// Runs `work` on one of the threads, some time.
    package func submit(_ work: @escaping Work) {
        let isStarting = state.withLock { state in
            state.queue.append(work)
            guard state.queue.count > state.idle, state.running < limit else { return false }
            state.running += 1
            return true
        }
        guard isStarting else { return wake.signal() }
        do throws(ThreadError) {
            _ =
                hasDeepStacks
                ? try Thread.deep(name: name) { [self] in serve() }
                : try Thread(name: name) { [self] in serve() }
        } catch {
            // Without a new thread the others do the work; without any, the caller does.
            let isStranded = state.withLock { state in
                state.running -= 1
                return state.running == 0
            }
            if isStranded { drain() }
        }
    }

    /// What each thread does until it has idled for too long.
    private func serve() {
        repeat { drain() } while waitForWork()
    }

    private func drain() {
        while let work = state.withLock({ $0.queue.popFirst() }) { work() }
    }

    /// Idles until there may be work; `false` when this thread is to end.
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

    /// `false` when the time has passed without a signal.
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
