import InferenceRuntime

/// One piece of work on a thread of its own, for whoever already sits on a blocking thread.
///
/// Where the system gives no thread the work is done at once, by the caller.
package final class HelperThread: Sendable {
    private let thread: Thread?

    /// Starts the work.
    package init(_ work: @escaping @Sendable () -> Void) {
        do throws(ThreadError) {
            thread = try Thread(name: "helper", work)
        } catch {
            work()
            thread = nil
        }
    }

    /// Waits for the end of the work; call it exactly once.
    package func join() {
        thread?.join()
    }
}
