/// The status line and fields of a response.
enum ResponseHead {
    /// The wire form; line breaks in values, which would forge fields, become spaces.
    static func serialize(_ status: HTTPStatus, _ fields: HTTPHeaders) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(512)
        output += "HTTP/1.1 \(status.rawValue) \(status.reason)\r\n".utf8
        for field in fields.fields {
            output += field.name.utf8
            output += ": ".utf8
            output += field.value.utf8.lazy.map { $0 < 0x20 && $0 != 0x09 ? 0x20 : $0 }
            output += "\r\n".utf8
        }
        output += "\r\n".utf8
        return output
    }
}
