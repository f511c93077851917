import InferenceRuntime

/// A file of a repository, as the hub lists it.
struct HubFile: Sendable, Hashable {
    /// The path below the repository's root; checked to stay below it.
    var path: String
    var size: Int?
    /// The SHA-256 of the content; known for large files only.
    var sha256: String?
}

/// What a repository holds at one commit.
struct HubListing: Sendable {
    /// What names the snapshot: the commit, or a hash of the list.
    let commit: String
    let files: [HubFile]

    init(commit: String, files: [HubFile]) {
        (self.commit, self.files) = (commit, files)
    }

    /// Reads the answer to `/api/models/…/revision/…?blobs=true`, and of `datasets`.
    init(_ json: JSONValue) throws(HubError) {
        guard let commit = json["sha"]?.string, Self.isCommit(commit) else {
            throw .malformedAnswer("the commit is missing")
        }
        guard let siblings = json["siblings"]?.array else {
            throw .malformedAnswer("the list of files is missing")
        }
        self.commit = commit
        var files: [HubFile] = []
        for sibling in siblings {
            guard let path = sibling["rfilename"]?.string else {
                throw .malformedAnswer("a file has no name")
            }
            guard Self.isSafe(path) else { throw .unsafeFileName(path) }
            let sha256 = sibling["lfs"]?["sha256"]?.string?.lowercased()
            let size = sibling["lfs"]?["size"]?.int ?? sibling["size"]?.int
            files.append(
                HubFile(path: path, size: size.flatMap { $0 < 0 ? nil : $0 }, sha256: sha256)
            )
        }
        self.files = files
    }

    /// Whether a commit can be a folder's name.
    private static func isCommit(_ text: String) -> Bool {
        (7...64).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                    || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
            }
    }

    /// Whether a listed path stays below the folder it is put in.
    static func isSafe(_ path: String) -> Bool {
        guard !path.isEmpty, path.utf8.count <= 1024,
            path.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "\\") })
        else { return false }
        return path.split(separator: "/", omittingEmptySubsequences: false).allSatisfy { part in
            (1...255).contains(part.utf8.count) && !part.utf8.elementsEqual(".".utf8)
                && !part.utf8.elementsEqual("..".utf8)
        }
    }
}
