import Glibc

/// The files of a checkpoint that go with the weights of a text model: tokenizer, templates,
/// generation defaults, licence.
enum CompanionFiles {
    private static let names: Set<String> = [
        "generation_config.json", "special_tokens_map.json", "added_tokens.json", "merges.txt",
        "spiece.model", "sentencepiece.bpe.model",
    ]
    private static let beginnings = ["tokenizer", "chat_template", "vocab", "LICENSE", "NOTICE"]
    private static let ends = ["", ".json", ".jinja", ".txt", ".model", ".md"]
    private static let templates = "additional_chat_templates"

    /// Copies them; a folder of further chat templates too.
    static func copy(from source: String, to destination: String) throws(CheckpointError) {
        for name in try list(source) where isCompanion(name) {
            try copy(source + "/" + name, to: destination + "/" + name)
        }
        let folder = "/" + templates
        guard let files = try? list(source + folder), !files.isEmpty else { return }
        try CheckpointError.writing(destination + folder) { () throws(FileSystemError) in
            try DurableFile.makeFolder(destination + folder)
        }
        for name in files where name.hasSuffix(".jinja") && !name.hasPrefix(".") {
            try copy(source + folder + "/" + name, to: destination + folder + "/" + name)
        }
    }

    static func isCompanion(_ name: String) -> Bool {
        if names.contains(name) { return true }
        let stem = name.lastIndex(of: ".").map { String(name[..<$0]) } ?? name
        let end = String(name.dropFirst(stem.count))
        return ends.contains(end) && beginnings.contains { stem.hasPrefix($0) }
    }

    private static func copy(_ path: String, to copy: String) throws(CheckpointError) {
        guard !DurableFile.isFolder(path) else { return }
        let file = try MemoryMappedFile(path: path)
        try CheckpointError.writing(copy) { () throws(FileSystemError) in
            try DurableFile.write(to: copy) { target throws(FileSystemError) in
                try target.write(file.bytes)
            }
        }
    }

    private static func list(_ folder: String) throws(CheckpointError) -> [String] {
        do throws(FileSystemError) {
            return try FileTree.names(in: folder).sorted()
        } catch {
            throw .unreadable(path: folder, reason: String(cString: strerror(error.code)))
        }
    }
}
