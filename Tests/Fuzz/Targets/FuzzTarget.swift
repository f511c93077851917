@testable import API
@testable import AdapterStore
@testable import InferenceRuntime
@testable import Trainer

/// Everything that reads bytes from outside.
///
/// An input is fine if it gives a value or a typed error.
enum FuzzTarget: String, CaseIterable, Sendable {
    case json, template, tokenizer, configuration, safetensors, adapter, gguf, llama, tar
    case training, parquet, arrow, keys, yaml, http, multipart, requests, pattern, messages

    /// The target a fuzzing process works on; set once, before it starts.
    nonisolated(unsafe) static var fuzzed = FuzzTarget.json

    /// Reads an input.
    func run(_ bytes: [UInt8]) {
        switch self {
        case .json: FuzzText.json(bytes)
        case .template: FuzzText.template(bytes)
        case .tokenizer: FuzzText.tokenizer(bytes)
        case .pattern: FuzzText.pattern(bytes)
        case .messages: FuzzText.messages(bytes)
        case .configuration: FuzzModel.configuration(bytes)
        case .safetensors: FuzzModel.safetensors(bytes)
        case .adapter: FuzzModel.adapter(bytes)
        case .gguf: FuzzFiles.gguf(bytes)
        case .llama: FuzzModel.llama(bytes)
        case .tar: FuzzFiles.tar(bytes)
        case .training: FuzzFiles.training(bytes)
        case .parquet: FuzzFiles.table(bytes, "data.parquet")
        case .arrow: FuzzFiles.table(bytes, "data.arrow")
        case .keys: FuzzFiles.keys(bytes)
        case .yaml: FuzzRequests.yaml(bytes)
        case .http: FuzzRequests.http(bytes)
        case .multipart: FuzzRequests.multipart(bytes)
        case .requests: FuzzRequests.requests(bytes)
        }
    }

    /// The input up to its first NUL, and what follows.
    static func halves(_ bytes: [UInt8]) -> (ArraySlice<UInt8>, ArraySlice<UInt8>) {
        let end = bytes.firstIndex(of: 0) ?? bytes.endIndex
        return (bytes[..<end], bytes[min(end + 1, bytes.endIndex)...])
    }
}

extension JSONValue {
    /// The document of a slice; `nil` where it is none.
    init?(fuzzed bytes: some Sequence<UInt8>) {
        guard let value = try? JSONValue(parsing: Array(bytes)) else { return nil }
        self = value
    }
}
