import Glibc
import Logging
import Synchronization
import Storage
import InferenceRuntime

/// The folders `DIR/adapters/<sha256>/`: immutable, there whole or not at all, gone when nothing
/// means them and nobody reads them.
///
/// A hold keeps a content's folder; so does a row of the catalog. Whoever drops the last hold of a
/// content without a row removes it: first by a rename no reader can fall into, then for good.
final class AdapterFiles: Sendable {
    let root: String
    private let holds = Mutex<[String: Int]>([:])
    private let logger: Logger
    private let isReferenced: @Sendable (String) -> Bool
    private let threads: WorkerPool
    let objects: (any ObjectStore)?
    private let cache: LocalCache

    /// - Parameters:
    ///   - root: `DIR/adapters`; made where missing.
    ///   - isReferenced: Whether the catalog means the content.
    init(
        root: String,
        threads: WorkerPool,
        logger: Logger,
        objects: (any ObjectStore)?,
        cacheBytes: Int,
        isReferenced: @escaping @Sendable (String) -> Bool
    ) throws(AdapterStoreError) {
        self.logger = logger
        self.root = root
        self.threads = threads
        self.isReferenced = isReferenced
        self.objects = objects
        cache = LocalCache(folder: root, limit: cacheBytes)
        do throws(FileSystemError) {
            try DurableFile.makeFolder(root, mode: 0o700)
        } catch {
            throw .storage(operation: "make the adapter folder", reason: error.description)
        }
    }

    func path(of hash: String) -> String { root + "/" + hash }

    /// Keeps a content's folder until the hold is let go.
    func hold(_ hash: String) -> FileHold {
        holds.withLock { $0[hash, default: 0] += 1 }
        return FileHold(hash: hash, files: self)
    }

    /// Whether the catalog means the content.
    func isMeant(_ hash: String) -> Bool { isReferenced(hash) }

    /// How many holds a content has.
    func holdCount(of hash: String) -> Int {
        holds.withLock { $0[hash] ?? 0 }
    }

    /// Puts a staged adapter in its place, durably, and keeps it there.
    func install(_ staged: StagingFolder, hash: String) throws(AdapterStoreError) -> FileHold {
        let hold = hold(hash)
        try place(staged, hash: hash)
        try share(hash)
        return hold
    }

    func place(_ staged: StagingFolder, hash: String) throws(AdapterStoreError) {
        let place = path(of: hash)
        do throws(FileSystemError) {
            try DurableFile.synchronizeFolder(staged.path)
            // The same content under another name lies there already, whole: names only appear
            // by this rename, and `rename` refuses a folder that is not empty.
            if !DurableFile.isFolder(place) { try DurableFile.rename(staged.path, to: place) }
        } catch  where error.code == EEXIST || error.code == ENOTEMPTY {
            return
        } catch {
            throw .storage(operation: "store the adapter", reason: error.description)
        }
    }

    /// Removes the copies used longest ago that nobody reads, where an object store has them all.
    func trim() {
        cache.trim { name in remove(name) { true } }
    }

    /// Removes what a crash left: folders no row means and unfinished work.
    func sweep() throws(AdapterStoreError) {
        do throws(FileSystemError) {
            for name in try FileTree.names(in: root) where !isReferenced(name) {
                if holdCount(of: name) == 0 { try FileTree.remove(path(of: name)) }
            }
        } catch {
            throw .storage(operation: "collect orphaned adapters", reason: error.description)
        }
    }

    /// Removes the folders of contents that lost their last row, unless held.
    func collect(_ hashes: some Sequence<String>) {
        for hash in hashes { collect(hash) }
    }

    fileprivate func release(_ hash: String) {
        let isLast = holds.withLock { holds in
            let left = (holds[hash] ?? 1) - 1
            holds[hash] = left == 0 ? nil : left
            return left == 0
        }
        if isLast, !isReferenced(hash) { threads.submit { self.collect(hash) } }
    }

    private func collect(_ hash: String) {
        remove(hash) { !self.isReferenced(hash) }
    }

    private func remove(_ hash: String, where mayGo: () -> Bool) {
        let trash = root + "/" + DurableFile.temporaryMark + DurableFile.uniqueSuffix()
        let isMoved = holds.withLock { holds in
            guard holds[hash] == nil, mayGo() else { return false }
            return rename(path(of: hash), trash) == 0
        }
        guard isMoved else { return }
        do throws(FileSystemError) {
            try FileTree.remove(trash)
        } catch {
            logger.warning(
                "the files of an adapter stay until the next start",
                metadata: ["reason": "\(error)"]
            )
        }
    }
}

/// The right to find a content's folder in its place.
final class FileHold: Sendable {
    let hash: String
    private let files: AdapterFiles

    fileprivate init(hash: String, files: AdapterFiles) {
        self.hash = hash
        self.files = files
    }

    deinit {
        files.release(hash)
    }
}
