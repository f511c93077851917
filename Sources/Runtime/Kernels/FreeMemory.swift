import CKernels
import Synchronization

/// Memory that the allocator keeps after large requests, where the system could use it.
///
/// A document of many small values leaves holes that the C library fills again but never gives
/// back by itself.
public enum FreeMemory {
    private static let isAboutToBeReleased = Atomic(false)
    private static let calls = Atomic(0)

    /// From now on large buffers go back to the system as they are freed: for servers.
    public static func keepLittle() {
        fk_keep_little_memory_free()
    }

    /// Gives back what small values left, once nobody has called this for a second, or after half a
    /// minute.
    ///
    /// The C library locks its arenas meanwhile: beside a stream of large requests that would hold up
    /// everybody who allocates.
    public static func releaseSoon() {
        calls.add(1, ordering: .relaxed)
        guard !isAboutToBeReleased.exchange(true, ordering: .relaxed) else { return }
        Task.detached(priority: .background) {
            for _ in 0..<30 {
                let seen = calls.load(ordering: .relaxed)
                try? await Task.sleep(for: .seconds(1))
                if calls.load(ordering: .relaxed) == seen { break }
            }
            isAboutToBeReleased.store(false, ordering: .relaxed)
            await ProcessorWork.run(bytes: ProcessorWork.largeBytes) { fk_release_free_memory() }
        }
    }
}
