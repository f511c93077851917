import CKernels
import Synchronization

/// Memory that the allocator keeps after large requests, where the system could use it.
///
/// A document of many small values leaves holes that the C library fills again but never gives
/// back by itself.
public enum FreeMemory {
    private static let isAboutToBeReleased = Atomic(false)

    /// From now on large buffers go back to the system as they are freed: for servers.
    public static func keepLittle() {
        fk_keep_little_memory_free()
    }

    /// Gives back what small values left in a second, however often this is called until then.
    public static func releaseSoon() {
        guard !isAboutToBeReleased.exchange(true, ordering: .relaxed) else { return }
        Task.detached(priority: .background) {
            try? await Task.sleep(for: .seconds(1))
            isAboutToBeReleased.store(false, ordering: .relaxed)
            fk_release_free_memory()
        }
    }
}
