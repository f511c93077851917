import AdapterStore
import InferenceRuntime
import Logging
import Storage

/// `/v1/files`: training data comes in, results go out.
struct FilesHandler: Sendable {
    let files: FileStore
    let maximumBytes: Int
    /// Everything that counts against what a tenant may store.
    let storedBytes: StoredBytes
    /// Reads training data before it is accepted; throws the 400 that names line and reason.
    let validate: @Sendable (_ path: String, _ name: String) async throws -> Void
    /// Whether a job or a batch that is not over needs a file.
    let isInUse: @Sendable (_ id: String) async throws -> Bool

    /// What a form may measure beside its file.
    static let formOverhead = 1 << 20

    /// Stores an upload; 400 where it is no training data although it says so.
    func create(_ request: HTTPRequest, _ caller: Caller) async throws -> HTTPResponse {
        try await removeExpired()
        var uploads: [FileUpload] = []
        do {
            let form = try await request.readForm { part in
                guard part.name == "file", uploads.isEmpty else {
                    throw APIError.invalid(
                        part.name,
                        "Unexpected file '\(part.name.prefix(80))': send one, in the field 'file'."
                    )
                }
                let upload = try await files.beginUpload(
                    limit: maximumBytes,
                    share: share(of: caller)
                )
                uploads.append(upload)
                return upload
            }
            guard let upload = uploads.first else { throw APIError.missing("file") }
            let file = try await store(upload, form, caller)
            request.log["file"] = "\(file.id)"
            return .json(file.json)
        } catch {
            for upload in uploads { await upload.abandon() }
            throw error
        }
    }

    /// Checks what came with a file, and the file, and keeps it.
    private func store(
        _ upload: FileUpload,
        _ form: MultipartForm,
        _ caller: Caller
    ) async throws -> StoredFile {
        let purpose = try Self.purpose(form)
        let lifetime = try Self.lifetime(form)
        let name = Self.lastComponent(form.files.first?.part.filename ?? "")
        if purpose == "fine-tune" { try await validate(upload.path, name) }
        return try await files.commit(
            upload,
            as: FileStore.NewFile(
                id: RandomID.make(prefix: StoredFile.idPrefix),
                filename: name,
                purpose: purpose,
                tenant: caller.tenant,
                lifetime: lifetime
            ),
            elsewhere: storedBytes.besideFiles(of: caller.tenant)
        )
    }

    /// The caller's files, newest first unless asked otherwise.
    func list(_ request: HTTPRequest, _ caller: Caller) async throws -> HTTPResponse {
        var query = FileStore.Query(tenant: caller.isAdministrator ? nil : caller.tenant)
        query.purpose = try request.query("purpose")
        query.after = try request.query("after")
        query.limit = try request.limit(default: 10_000, maximum: 10_000)
        query.newestFirst = try request.isNewestFirst(default: true)
        if let after = query.after { _ = try await file(after, caller, param: "after") }
        let page = try await files.files(query)
        return .json([
            "object": "list",
            "data": .array(page.files.map(\.json)),
            "first_id": .string(page.files.first?.id ?? ""),
            "last_id": .string(page.files.last?.id ?? ""),
            "has_more": .bool(page.hasMore),
        ])
    }

    func get(_ request: HTTPRequest, _ caller: Caller) async throws -> HTTPResponse {
        .json(try await file(in: request, caller).json)
    }

    func content(_ request: HTTPRequest, _ caller: Caller) async throws -> HTTPResponse {
        let file = try await file(in: request, caller)
        let isTable = file.purpose == "fine-tune-results"
        var response = HTTPResponse.file(
            try await files.content(of: file.id),
            contentType: isTable ? "text/csv; charset=utf-8" : "application/octet-stream"
        )
        response.attach(as: file.filename)
        return response
    }

    func delete(_ request: HTTPRequest, _ caller: Caller) async throws -> HTTPResponse {
        let file = try await file(in: request, caller)
        guard try await !isInUse(file.id) else {
            throw APIError.conflict(
                "The file \(file.id) is used by a fine-tuning job or a batch that is not over. "
                    + "Cancel that first.",
                param: "file_id",
                code: "file_in_use"
            )
        }
        try await files.delete(file.id)
        return .json(["id": .string(file.id), "object": "file", "deleted": true])
    }
}

extension FilesHandler {
    private func file(in request: HTTPRequest, _ caller: Caller) async throws -> StoredFile {
        try await file(request.parameters["id"] ?? "", caller, param: "file_id")
    }

    /// The file of that id if the caller may see it, else 404.
    func file(_ id: String, _ caller: Caller, param: String) async throws -> StoredFile {
        let tenant = caller.isAdministrator ? nil : caller.tenant
        guard let file = try await files.file(id, tenant: tenant) else {
            throw APIError.notFound("File object", id, param: param, code: "file_not_found")
        }
        return file
    }

    private func share(of caller: Caller) async throws -> UploadLedger.Share? {
        guard let allowance = caller.storedBytes else { return nil }
        let stored = try await storedBytes.all(of: caller.tenant)
        return files.uploads.begin(caller.tenant, stored: stored, allowance: allowance)
    }

    /// Refuses what would store more where a caller's limit is reached already.
    func requireRoom(for caller: Caller) async throws {
        guard let allowance = caller.storedBytes else { return }
        guard try await storedBytes.all(of: caller.tenant) < allowance else {
            throw APIError.overQuota(allowance)
        }
    }

    /// Makes a file for a caller of what `body` writes, within what it may store.
    func make(
        _ filename: String,
        purpose: String,
        for caller: Caller,
        _ body: (FileUpload) async throws -> Void
    ) async throws -> StoredFile {
        try await files.make(
            FileStore.NewFile(
                id: RandomID.make(prefix: StoredFile.idPrefix),
                filename: filename,
                purpose: purpose,
                tenant: caller.tenant
            ),
            limit: maximumBytes,
            share: share(of: caller),
            elsewhere: storedBytes.besideFiles(of: caller.tenant),
            body
        )
    }

    private func removeExpired() async throws {
        for id in try await files.expired() where try await !isInUse(id) {
            try await files.delete(id)
        }
    }

    private static func purpose(_ form: MultipartForm) throws(APIError) -> String {
        guard let purpose = form["purpose"] else { throw .missing("purpose") }
        guard StoredFile.purposes.contains(purpose) else {
            throw .notAmong("purpose", StoredFile.purposes, purpose)
        }
        return purpose
    }

    private static func lifetime(_ form: MultipartForm) throws(APIError) -> Int? {
        guard let text = form["expires_after[seconds]"] else { return nil }
        if let anchor = form["expires_after[anchor]"], anchor != "created_at" {
            throw .notAmong("expires_after[anchor]", ["created_at"], anchor)
        }
        guard let seconds = Int(text), (3600...2_592_000).contains(seconds) else {
            throw .invalid(
                "expires_after[seconds]",
                "Invalid 'expires_after[seconds]': expected an integer between 3600 and 2592000."
            )
        }
        return seconds
    }

    /// The name without the folders some clients send.
    private static func lastComponent(_ name: String) -> String {
        let last = name.utf8.split { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "\\") }.last
        let text = last.map { String(decoding: $0, as: UTF8.self) } ?? ""
        return text.utf8.isEmpty ? "file" : text
    }
}

extension HTTPRequest {
    /// The query's `limit`.
    func limit(default standard: Int, maximum: Int) throws(APIError) -> Int {
        guard let text = try query("limit") else { return standard }
        guard let limit = Int(text), (1...maximum).contains(limit) else {
            throw .invalid(
                "limit",
                "Invalid 'limit': expected an integer between 1 and \(maximum)."
            )
        }
        return limit
    }

    /// Whether the query's `order` is `desc`.
    func isNewestFirst(default standard: Bool) throws(APIError) -> Bool {
        switch try query("order") {
        case nil: standard
        case "desc": true
        case "asc": false
        case let order?: throw .notAmong("order", ["asc", "desc"], order)
        }
    }

    /// The query's `metadata[key]=value` items.
    func metadataQuery() throws(APIError) -> [(key: String, value: String)] {
        try queryItems().compactMap { name, value in
            guard name.hasPrefix("metadata["), name.hasSuffix("]") else { return nil }
            return (key: String(name.dropFirst("metadata[".count).dropLast()), value: value)
        }
    }
}
