import Glibc

/// Messages from any thread to the one that owns the mailbox, which sleeps while there are none.
///
/// `pthread` because `Mutex` has no condition to wait on, and because the engine's thread must
/// never be one of the cooperative pool's.
///
/// Guarded by mutex: every field but the two C objects.
final class Mailbox<Message: Sendable>: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var messages: [Message] = []
    private var isClosed = false

    init() {
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(condition, nil)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    /// Leaves a message.
    ///
    /// `false`: nobody will read it any more.
    @discardableResult
    func post(_ message: Message) -> Bool {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        guard !isClosed else { return false }
        messages.append(message)
        pthread_cond_signal(condition)
        return true
    }

    /// Exchanges an empty array for the messages, waiting for the first if asked to.
    func take(into received: inout [Message], waiting: Bool) {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while waiting, messages.isEmpty, !isClosed { pthread_cond_wait(condition, mutex) }
        swap(&messages, &received)
    }

    /// Takes the last messages; there will be no others.
    func close() -> [Message] {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        isClosed = true
        defer { messages = [] }
        return messages
    }
}
