import Glibc

/// Reads the small text files a checkpoint's templates lie in.
enum TemplateFile {
    /// Templates are some ten kilobytes, `tokenizer_config.json` up to a few hundred.
    static let maximumBytes = 64 << 20

    /// The bytes of a file; `nil` where it cannot be read or is larger than any template.
    static func bytes(_ path: String) -> [UInt8]? {
        guard let file = fopen(path, "rb") else { return nil }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = fread(&chunk, 1, chunk.count, file)
            guard count > 0 else { return ferror(file) == 0 ? bytes : nil }
            bytes += chunk[..<count]
            guard bytes.count <= maximumBytes else { return nil }
        }
    }

    /// The text of a file; `nil` where there is none.
    static func text(_ path: String) throws(TemplateError) -> String? {
        guard let bytes = bytes(path) else { return nil }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw TemplateError(kind: .syntax, message: "\(path) is not UTF-8", line: nil)
        }
        return text
    }
}
