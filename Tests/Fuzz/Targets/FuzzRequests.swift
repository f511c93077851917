@testable import API
@testable import InferenceRuntime
@testable import Trainer

/// What clients send, and files that people write.
enum FuzzRequests {
    /// A fine-tuning run in YAML.
    static func yaml(_ bytes: [UInt8]) {
        let text = String(decoding: bytes, as: UTF8.self)
        guard let object = try? YAMLFile.object(text) else { return }
        _ = try? TrainConfiguration(object)
    }

    /// The bodies of requests.
    static func requests(_ bytes: [UInt8]) {
        guard case .object(let object)? = JSONValue(fuzzed: bytes) else { return }
        let fields = RequestFields(object)
        _ = try? GenerationFields(fields)
        _ = try? ChatConversation(fields)
        _ = try? CreateFineTuningJobRequest(fields)
        _ = try? CreateFineTuningJobRequest(legacy: fields, base: "base")
        _ = try? HyperparameterRequest(json: object)
    }

    /// A form, in one piece and in pieces.
    static func multipart(_ bytes: [UInt8]) {
        for size in [7, max(1, bytes.count)] {
            let type = "multipart/form-data; boundary=\"xyz\""
            guard var parser = try? MultipartParser(contentType: type, limits: MultipartLimits())
            else { return }
            for start in stride(from: 0, to: bytes.count, by: size) {
                let piece = Array(bytes[start..<min(start + size, bytes.count)])
                guard (try? parser.append(piece)) != nil else { break }
            }
        }
    }

    /// A connection; the first byte says where it is cut.
    static func http(_ bytes: [UInt8]) {
        guard let first = bytes.first else { return }
        let rest = bytes.dropFirst()
        var reader = HTTPReader()
        defer { reader.connection.discard() }
        let cut = min(rest.count, Int(first))
        reader.perform(reader.connection.receive(Array(rest.prefix(cut))))
        reader.perform(reader.connection.receive(Array(rest.dropFirst(cut))))
        reader.perform(reader.connection.receiveEnd())
    }
}

/// A server that reads each body to its end, then answers.
private struct HTTPReader {
    var connection = HTTPConnection(headBytes: 4096)

    mutating func perform(_ actions: [HTTPConnection.Action]) {
        for action in actions {
            switch action {
            case .start(_, let whole): whole == nil ? read() : answer()
            case .refuse: answer()
            case .bodyChanged: read()
            default: break
            }
        }
    }

    private mutating func read() {
        while true {
            let (step, actions) = connection.takeBody()
            defer { perform(actions.filter { if case .bodyChanged = $0 { false } else { true } }) }
            switch step {
            case .bytes: continue
            case .end, .failed: return answer()
            case .wait: return
            }
        }
    }

    private mutating func answer() {
        perform(connection.beginResponse(.ok, [:], length: .bytes(0)))
        perform(connection.endResponse())
    }
}
