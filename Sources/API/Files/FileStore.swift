public import Storage
import GRDB
import Glibc
import InferenceRuntime

/// The files of the data directory: `DIR/files/ID`, and a row for each in the database.
///
/// A file is there when its row is. It is written, synced and renamed before the row, and its row
/// goes before it does: what a crash leaves behind is a file without a row, which the next start
/// removes.
public final class FileStore: Sendable {
    /// Where the files lie.
    public let folder: String
    let database: FacetDatabase
    let work = WorkerPool(name: "files", limit: 4)
    private let objects: (any ObjectStore)?
    private let cache: LocalCache
    /// What is being uploaded.
    let uploads = UploadLedger()

    /// The files of a database that was opened with `migrations`.
    ///
    /// - Parameters:
    ///   - objects: What all servers keep files in; `nil`: the data directory alone has them.
    ///   - cacheBytes: Bytes of files that stay on this disk where `objects` has them.
    public init(
        database: FacetDatabase,
        objects: (any ObjectStore)? = nil,
        cacheBytes: Int = 10 << 30
    ) async throws {
        folder = database.folder + "/files"
        self.objects = objects
        cache = LocalCache(folder: folder, limit: cacheBytes)
        self.database = database
        let folder = folder
        try await work.run { () throws(FileSystemError) in
            try DurableFile.makeFolder(folder, mode: 0o700)
        }
        let ids = Set(
            try await database.read { db in
                try db.fetchAll(StoredFile.select(Column("id"), as: String.self))
            }
        )
        // What a crash left behind has no row.
        try await work.run { () throws(FileSystemError) in
            for name in try FileTree.names(in: folder) where !ids.contains(name) {
                try FileTree.remove(folder + "/" + name)
            }
        }
    }

    /// Where the content of a file lies on this disk, if it does.
    private func path(of id: String) -> String { folder + "/" + id }

    private static func key(_ id: String) -> String { "files/" + id }

    /// Where the content of a file lies, fetched first where only other servers have it.
    /// - Throws: `ObjectStoreError` where it cannot be fetched.
    func content(of id: String) async throws -> String {
        let path = path(of: id)
        guard let objects else { return path }
        let cache = cache
        return try await work.run {
            guard FileStamp(path: path) == nil else {
                LocalCache.touch(path)
                return path
            }
            guard try objects.getIfThere(Self.key(id), to: path) else {
                throw FileSystemError(operation: "open", path: path, code: ENOENT)
            }
            cache.trim { unlink(cache.folder + "/" + $0) }
            return path
        }
    }

    /// One file; `tenant` `nil` sees everybody's.
    public func file(_ id: String, tenant: TenantID?) async throws -> StoredFile? {
        let file = try await database.read { db in
            try db.fetchOne(StoredFile.filter(Column("id") == id))
        }
        guard let file, tenant == nil || tenant == file.tenant else { return nil }
        if let expires = file.expires, expires <= UnixTime.now { return nil }
        return file
    }

    /// Bytes of all files of a tenant.
    public func storedBytes(of tenant: TenantID) async throws -> Int {
        try await database.read { db in try Self.storedBytes(of: tenant, db) }
    }

    private static func storedBytes(of tenant: TenantID, _ db: DatabaseSession) throws -> Int {
        try db.fetchOne(
            StoredFile.filter(Column("tenant") == tenant)
                .select(sum(Column("bytes")), as: Int.self)
        ) ?? 0
    }

    /// Begins a file that is not there until it is committed.
    func beginUpload(limit: Int, share: UploadLedger.Share?) async throws -> FileUpload {
        try await FileUpload(in: folder, limit: limit, share: share)
    }

    /// A file that is about to be stored.
    struct NewFile: Sendable {
        let id: String
        let filename: String
        let purpose: String
        let tenant: TenantID
        /// Seconds after which it goes by itself; `nil`: it stays.
        var lifetime: Int?
    }

    /// Makes an upload a file; durable when this returns.
    ///
    /// - Parameter elsewhere: What the tenant stores beside files, in bytes.
    /// - Throws: 429 where uploads side by side have used up the tenant's allowance.
    func commit(
        _ upload: FileUpload,
        as new: NewFile,
        elsewhere: Int = 0
    ) async throws -> StoredFile {
        let tenant = new.tenant
        let created = UnixTime.now
        let file = StoredFile(
            id: new.id,
            tenant: tenant,
            filename: new.filename,
            purpose: new.purpose,
            bytes: upload.bytes,
            created: created,
            expires: new.lifetime.map { created + $0 }
        )
        let (source, path) = (upload.path, path(of: file.id))
        try await upload.finish()
        try await work.run { () throws(FileSystemError) in
            try DurableFile.rename(source, to: path)
        }
        let allowance = upload.share?.allowance
        do {
            if let objects {
                try await work.run { () throws(ObjectStoreError) in
                    try objects.put(path, as: Self.key(file.id))
                }
            }
            try await database.write { db in
                let stored = try Self.storedBytes(of: tenant, db) + elsewhere
                if let allowance, file.bytes > allowance - stored {
                    throw APIError.overQuota(allowance)
                }
                try db.insert(file)
            }
        } catch {
            try? await work.run { () throws(FileSystemError) in try DurableFile.remove(path) }
            throw error
        }
        upload.share?.end(committed: true)
        return file
    }

    /// Stores what a job leaves for its owner, such as its table of results.
    func add(
        _ bytes: [UInt8],
        id: String,
        filename: String,
        purpose: String,
        tenant: TenantID
    ) async throws -> StoredFile {
        let new = NewFile(id: id, filename: filename, purpose: purpose, tenant: tenant)
        return try await make(new, limit: .max) { try await $0.write(bytes[...]) }
    }

    /// Stores what `body` writes; nothing where it throws.
    func make(
        _ new: NewFile,
        limit: Int,
        share: UploadLedger.Share? = nil,
        elsewhere: Int = 0,
        _ body: (FileUpload) async throws -> Void
    ) async throws -> StoredFile {
        let upload = try await beginUpload(limit: limit, share: share)
        do {
            try await body(upload)
            return try await commit(upload, as: new, elsewhere: elsewhere)
        } catch {
            await upload.abandon()
            throw error
        }
    }

    /// Removes a file for good; durable when this returns.
    func delete(_ id: String) async throws {
        _ = try await database.write { db in
            try db.execute(sql: "DELETE FROM file WHERE id = ?", arguments: [id])
        }
        let path = path(of: id)
        try await work.run { [objects] in
            // An object without a row is nobody's; it only takes room.
            try? objects?.remove(Self.key(id))
            try DurableFile.remove(path)
        }
    }
}
