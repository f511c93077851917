import InferenceRuntime

/// ModelScope's API, as its own library asks it (modelscope/modelscope, `hub/api.py`).
extension HubClient {
    /// Files on a page of a data set's list, and the most pages that are read.
    private static let page = (size: 100, most: 1000)

    /// What a repository holds.
    func modelScopeListing(of reference: HubReference) async throws(HubError) -> HubListing {
        guard reference.repository.contains("/") else {
            throw .malformedReference(reference.description)
        }
        let revision = ("Revision", reference.revision)
        guard reference.source.kind == .dataset else {
            let path = ["api", "v1", "models", reference.repository, "repo", "files"]
            let data = try await data(path, [revision, ("Recursive", "True")], reference)
            return try HubListing(modelScope: data["Files"]?.array ?? [])
        }
        let about = try await data(["api", "v1", "datasets", reference.repository], [], reference)
        guard let id = about["Id"]?.int.map(String.init) ?? about["Id"]?.string,
            id.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
        else { throw .malformedAnswer("the data set has no number") }
        var files: [JSONValue] = []
        for number in 1...Self.page.most {
            let query = [
                revision, ("Root", "/"), ("Recursive", "True"), ("PageNumber", "\(number)"),
                ("PageSize", "\(Self.page.size)"),
            ]
            let path = ["api", "v1", "datasets", id, "repo", "tree"]
            let part = try await data(path, query, reference)["Files"]?.array ?? []
            files += part
            if part.count < Self.page.size { return try HubListing(modelScope: files) }
        }
        throw .malformedAnswer("the list of files is too long")
    }

    /// The `Data` of an answer, which may say no with the status 200.
    private func data(
        _ path: [String],
        _ query: [(name: String, value: String)],
        _ reference: HubReference
    ) async throws(HubError) -> JSONValue {
        let answer = try await json(path, query, for: reference)
        guard answer["Code"]?.int == 200, let data = answer["Data"], !data.isNull else {
            let message = answer["Message"]?.string ?? "no data"
            throw .malformedAnswer(String(message.prefix(200)))
        }
        return data
    }
}

extension HubListing {
    /// Reads ModelScope's list; what its files are names the snapshot.
    init(modelScope entries: [JSONValue]) throws(HubError) {
        var files: [HubFile] = []
        for entry in entries where entry["Type"]?.string != "tree" {
            guard let path = entry["Path"]?.string else {
                throw .malformedAnswer("a file has no name")
            }
            guard Self.isSafe(path) else { throw .unsafeFileName(path) }
            let hash = entry["Sha256"]?.string?.lowercased()
            let size = entry["Size"]?.int
            files.append(
                HubFile(
                    path: path,
                    size: size.flatMap { $0 < 0 ? nil : $0 },
                    sha256: hash.flatMap { $0.isEmpty ? nil : $0 }
                )
            )
        }
        var whole = SHA256()
        for file in files.sorted(by: { $0.path < $1.path }) {
            let line = "\(file.path)\0\(file.size ?? -1)\0\(file.sha256 ?? "")\n"
            Array(line.utf8).withUnsafeBytes { whole.update($0) }
        }
        self.init(commit: String(Hex.text(whole.finalize()).prefix(40)), files: files)
    }
}
