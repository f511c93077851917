/// A header value with parameters, such as `form-data; name="file"; filename="a.jsonl"`.
struct MultipartField {
    /// What stands before the first `;`, in lower case.
    let value: String
    /// The parameters, by their names in lower case; the first of each name.
    private(set) var parameters: [String: String] = [:]

    /// Reads a value; what makes no sense in it is left out.
    init(_ text: String) {
        var rest = Array(text.utf8)[...]
        let value = rest.prefix { $0 != UInt8(ascii: ";") }
        self.value = HTTPText.trimmed(String(decoding: value, as: UTF8.self)).lowercased()
        rest = rest.dropFirst(value.count)
        while !rest.isEmpty {
            rest = rest.drop { $0 == UInt8(ascii: ";") || $0 == 0x20 || $0 == 0x09 }
            let name = rest.prefix { $0 != UInt8(ascii: "=") && $0 != UInt8(ascii: ";") }
            rest = rest.dropFirst(name.count)
            guard rest.first == UInt8(ascii: "=") else { continue }
            rest = rest.dropFirst()
            let key = HTTPText.trimmed(String(decoding: name, as: UTF8.self)).lowercased()
            let parameter = Self.takeValue(&rest)
            if parameters[key] == nil { parameters[key] = parameter }
        }
    }

    private static func takeValue(_ rest: inout ArraySlice<UInt8>) -> String {
        guard rest.first == UInt8(ascii: "\"") else {
            let token = rest.prefix { $0 != UInt8(ascii: ";") }
            rest = rest.dropFirst(token.count)
            return HTTPText.trimmed(String(decoding: token, as: UTF8.self))
        }
        rest = rest.dropFirst()
        var bytes: [UInt8] = []
        while let byte = rest.popFirst(), byte != UInt8(ascii: "\"") {
            // Only quotes and backslashes are escaped; other backslashes are meant.
            let escaped = rest.first.map { $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "\\") }
            if byte == UInt8(ascii: "\\"), escaped == true, let next = rest.popFirst() {
                bytes.append(next)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension MultipartPart {
    /// Reads the head of a part: lines, each after a line break.
    init(head: ArraySlice<UInt8>) throws(APIError) {
        var disposition: MultipartField?
        var contentType: String?
        for line in head.split(separator: 0x0A) {
            guard let text = String(validating: line, as: UTF8.self), !line.contains(0) else {
                throw MultipartParser.malformed("a part's header field is not UTF-8")
            }
            let line = HTTPText.trimmed(text.filter { $0 != "\r" && $0 != "\r\n" })
            guard !line.isEmpty else { continue }
            guard let colon = line.utf8.firstIndex(of: UInt8(ascii: ":")) else {
                throw MultipartParser.malformed("a part's header field has no colon")
            }
            let name = HTTPText.trimmed(String(line[..<colon])).lowercased()
            let value = HTTPText.trimmed(String(line[colon...].dropFirst()))
            if name == "content-disposition" { disposition = MultipartField(value) }
            if name == "content-type" { contentType = value }
        }
        guard let disposition, disposition.value == "form-data",
            let name = disposition.parameters["name"]
        else {
            throw MultipartParser.malformed("a part has no Content-Disposition with a name")
        }
        self.name = name
        self.contentType = contentType
        filename =
            Self.extended(disposition.parameters["filename*"])
            ?? disposition.parameters["filename"]
    }

    /// Reads `UTF-8''na%C3%AFve.txt` (RFC 8187).
    private static func extended(_ value: String?) -> String? {
        guard let value else { return nil }
        let parts = value.utf8.split(
            separator: UInt8(ascii: "'"),
            maxSplits: 2,
            omittingEmptySubsequences: false
        )
        guard parts.count == 3,
            String(decoding: parts[0], as: UTF8.self).lowercased() == "utf-8"
        else { return nil }
        return HTTPText.percentDecoded(parts[2], plusIsSpace: false)
    }
}
