import Testing

@testable import API

@Suite("Multipart forms")
struct MultipartTests {
    static let type = "multipart/form-data; boundary=\"xyz\""
    static let body =
        "preamble\r\n--xyz\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nfine-tune\r\n"
        + "--xyz \t\r\ncontent-disposition: form-data; name=file; filename=\"a \\\"b\\\".jsonl\"\r\n"
        + "Content-Type: application/jsonl\r\n\r\n{\"a\": 1}\r\n--xy\r\n\r\n\r\n--xyz\r\n"
        + "Content-Disposition: form-data; name=\"empty\"\r\n\r\n\r\n--xyz--\r\nepilogue"

    /// What a body cut at the given size comes to.
    func parse(_ body: String, every size: Int) throws -> String {
        var parser = try MultipartParser(contentType: Self.type, limits: MultipartLimits())
        var text = ""
        let bytes = Array(body.utf8)
        for start in stride(from: 0, to: bytes.count, by: size) {
            let chunk = Array(bytes[start..<min(start + size, bytes.count)])
            for event in try parser.append(chunk) {
                switch event {
                case .part(let part): text += "[\(part.name) \(part.filename ?? "-"):"
                case .content(let bytes): text += String(decoding: bytes, as: UTF8.self)
                case .partEnd: text += "]"
                case .end: text += "."
                }
            }
        }
        return text + (parser.isFinished ? "" : "…")
    }

    @Test("the cuts between reads make no difference", arguments: 1...40)
    func cuts(_ size: Int) throws {
        #expect(
            try parse(Self.body, every: size)
                == "[purpose -:fine-tune][file a \"b\".jsonl:{\"a\": 1}\r\n--xy\r\n\r\n][empty -:]."
        )
    }

    @Test("a body that ends early is not finished", arguments: 0..<300)
    func early(_ count: Int) throws {
        let whole = Self.body.utf8.count - "\r\nepilogue".utf8.count
        guard count < whole else { return }
        let text = String(decoding: Self.body.utf8.prefix(count), as: UTF8.self)
        #expect(try parse(text, every: 7).hasSuffix("…"))
    }

    @Test(
        "malformed forms are refused",
        arguments: [
            "--xyz!\r\n", "--xyz\r\n\r\n\r\nno head\r\n--xyz--",
            "--xyz\r\nContent-Disposition: attachment; name=a\r\n\r\n\r\n--xyz--",
            "--xyz\r\nContent-Disposition: form-data\r\n\r\n\r\n--xyz--",
            "--xyz\r\nContent-Disposition form-data; name=a\r\n\r\n\r\n--xyz--",
            "--xyz\r\nX: \0\r\n\r\n", "--xyz\r\nX: " + String(repeating: "y", count: 9000),
            String(
                repeating: "--xyz\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n",
                count: 65
            ),
        ]
    )
    func malformed(_ body: String) {
        #expect(throws: APIError.self) { try parse(body, every: 1000) }
    }

    @Test("the content type must be multipart with a boundary")
    func contentTypes() {
        for type in [nil, "application/json", "multipart/form-data", "multipart/mixed; boundary=a"]
        {
            #expect(throws: APIError.self) {
                try MultipartParser(contentType: type, limits: MultipartLimits())
            }
        }
    }

    @Test("field parameters are read as clients write them")
    func fields() {
        let field = MultipartField(#"Form-Data; NAME="C:\dir\x"; a = b ;; c="d;e"; broken; f="g"#)
        #expect(field.value == "form-data")
        #expect(field.parameters == ["name": #"C:\dir\x"#, "a": "b", "c": "d;e", "f": "g"])
    }

    /// Keeps what it is given.
    private actor Memory: ByteSink {
        var bytes: [UInt8] = []
        func write(_ bytes: ArraySlice<UInt8>) { self.bytes += bytes }
    }

    @Test("fields stay in memory, files go to their sinks")
    func reading() async throws {
        var request = HTTPRequest(
            method: .post,
            target: "/",
            body: HTTPBody(Array(Self.body.utf8))
        )
        request.headers["content-type"] = Self.type
        let memory = Memory()
        let form = try await request.readForm { _ in memory }
        #expect(form["purpose"] == "fine-tune")
        #expect(form["empty"]?.isEmpty == true)
        #expect(form.files.map(\.part.name) == ["file"])
        #expect(form.files.map(\.bytes) == [await memory.bytes.count])
    }

    @Test("a field that is too large or not UTF-8 is refused, and so is a form cut short")
    func refusals() async throws {
        let head = "--xyz\r\nContent-Disposition: form-data; name=a\r\n\r\n"
        let large = head + String(repeating: "x", count: 70_000) + "\r\n--xyz--"
        let bodies = [
            (Array(large.utf8), HTTPStatus.contentTooLarge),
            (Array(head.utf8) + [0xFF] + Array("\r\n--xyz--".utf8), .badRequest),
            (Array((head + "x").utf8), .badRequest),
        ]
        for (bytes, status) in bodies {
            var request = HTTPRequest(method: .post, target: "/", body: HTTPBody(bytes))
            request.headers["content-type"] = Self.type
            await #expect {
                try await request.readForm { _ in Memory() }
            } throws: {
                ($0 as? APIError)?.status == status
            }
        }
    }
}
