import InferenceRuntime
import Synchronization

/// Reads a stored adapter into memory and makes sure it is what was stored.
///
/// Hashing runs beside parsing and conversion, on a thread of its own: a cold adapter costs the
/// longer of the two, not their sum.
struct AdapterReader: Sendable {
    let base: AdapterBase?
    let files: AdapterFiles

    func read(
        _ generation: AdapterGeneration
    ) throws(AdapterStoreError) -> (value: LoRAAdapter, bytes: Int) {
        guard let base else {
            throw .unfit(name: generation.name, reason: "no base model is loaded")
        }
        let hold = files.hold(generation.hash)
        let folder = files.path(of: generation.hash)
        try files.fetch(generation.hash)
        guard DurableFile.isFolder(folder) else {
            // Unloaded after it was resolved, or lost behind the store's back.
            throw files.isMeant(generation.hash)
                ? .damaged(name: generation.name, reason: "its files are gone")
                : .unknownGeneration(name: generation.name, generation: generation.hash)
        }
        let hashing = HashingThread(folder: folder)
        let weights: Result<AdapterWeights, AdapterUnfit>
        do throws(AdapterUnfit) {
            weights = .success(try base.read(folder, AdapterID(generation.hash)))
        } catch {
            weights = .failure(error)
        }
        let hash = hashing.result()
        _ = hold
        switch (hash, weights) {
        case (.failure(let error), _):
            throw .damaged(name: generation.name, reason: error.description)
        case (.success(let hash), _) where hash != generation.hash:
            throw .damaged(name: generation.name, reason: "its content is not what was stored")
        case (.success, .failure(let error)):
            throw .unfit(name: generation.name, reason: error.reason)
        case (.success, .success(let weights)):
            return (weights.adapter, weights.bytes)
        }
    }
}

/// The content hash of a folder, computed beside other work.
private final class HashingThread: Sendable {
    private let outcome: Outcome
    /// `nil` where the system gave no thread and the caller has done the work.
    private let thread: Thread?

    private final class Outcome: Sendable {
        let value = Mutex<Result<String, FileSystemError>?>(nil)
    }

    init(folder: String) {
        let outcome = Outcome()
        self.outcome = outcome
        let work: @Sendable () -> Void = {
            let result: Result<String, FileSystemError>
            do throws(FileSystemError) {
                result = .success(try ContentHash.hash(of: folder))
            } catch {
                result = .failure(error)
            }
            outcome.value.withLock { $0 = result }
        }
        thread = try? Thread(name: "hash", work)
        if thread == nil { work() }
    }

    /// Waits for the hash; call it exactly once.
    func result() -> Result<String, FileSystemError> {
        thread?.join()
        return outcome.value.withLock { $0 }
            ?? .failure(FileSystemError(operation: "hash", path: "", code: 0))
    }
}
