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
        guard mkdir(destination + folder, 0o755) == 0 else {
            throw .unwritable(path: destination + folder, reason: systemError())
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
        guard isFile(path) else { return }
        let file = try MemoryMappedFile(path: path)
        let target = try AtomicFile(copy)
        try target.write(file.bytes)
        try target.commit()
    }

    private static func isFile(_ path: String) -> Bool {
        guard let stream = opendir(path) else { return true }
        closedir(stream)
        return false
    }

    private static func list(_ folder: String) throws(CheckpointError) -> [String] {
        guard let stream = opendir(folder) else {
            throw .unreadable(path: folder, reason: systemError())
        }
        defer { closedir(stream) }
        var result: [String] = []
        while let entry = readdir(stream) {
            result.append(
                withUnsafeBytes(of: &entry.pointee.d_name) { name in
                    String(decoding: name.prefix { $0 != 0 }, as: UTF8.self)
                }
            )
        }
        return result.sorted()
    }
}
