extension HTTPRequest {
    /// Reads a `multipart/form-data` body: small fields into memory, files to their sinks.
    ///
    /// `file` is asked for a sink for each part with a file name. A sink is held back with
    /// `write` as the disk demands, which holds the client back.
    ///
    /// - Throws: `APIError` where the form is malformed, too large or cut short; what `file` or a
    ///   sink throws.
    public func readForm(
        limits: MultipartLimits = MultipartLimits(),
        file: (MultipartPart) async throws -> any ByteSink
    ) async throws -> MultipartForm {
        var parser = try MultipartParser(contentType: headers["content-type"], limits: limits)
        var reader = MultipartReader(fieldBytes: limits.fieldBytes)
        for try await chunk in body {
            for event in try parser.append(chunk) {
                try await reader.handle(event, file: file)
            }
        }
        guard parser.isFinished else {
            throw MultipartParser.malformed("it ends before its closing boundary")
        }
        return reader.form
    }
}

/// Puts the pieces of a form together.
private struct MultipartReader {
    private enum Current {
        case none
        case field(name: String, bytes: [UInt8])
        case file(MultipartPart, any ByteSink, bytes: Int)
    }

    let fieldBytes: Int
    private(set) var form = MultipartForm()
    private var current = Current.none

    init(fieldBytes: Int) { self.fieldBytes = fieldBytes }

    mutating func handle(
        _ event: MultipartParser.Event,
        file: (MultipartPart) async throws -> any ByteSink
    ) async throws {
        switch event {
        case .part(let part):
            current =
                part.filename == nil
                ? .field(name: part.name, bytes: [])
                : .file(part, try await file(part), bytes: 0)
        case .content(let bytes): try await take(bytes)
        case .partEnd: try endPart()
        case .end: break
        }
    }

    private mutating func take(_ content: [UInt8]) async throws {
        switch current {
        case .none: break
        case .field(let name, let bytes):
            guard bytes.count + content.count <= fieldBytes else {
                throw APIError(
                    status: .contentTooLarge,
                    message: "The form field '\(name.prefix(64))' exceeds \(fieldBytes) bytes.",
                    param: String(name.prefix(64)),
                    code: "request_too_large"
                )
            }
            current = .field(name: name, bytes: bytes + content)
        case .file(let part, let sink, let bytes):
            try await sink.write(content[...])
            current = .file(part, sink, bytes: bytes + content.count)
        }
    }

    private mutating func endPart() throws(APIError) {
        switch current {
        case .none: break
        case .field(let name, let bytes):
            guard let value = String(validating: bytes, as: UTF8.self) else {
                throw .badRequest("The form field '\(name.prefix(64))' is not UTF-8.")
            }
            form.fields.append((name: name, value: value))
        case .file(let part, _, let bytes): form.files.append((part: part, bytes: bytes))
        }
        current = .none
    }
}
