import GRDB
import InferenceRuntime
import Storage

/// An answer that its request asked to keep: a row of `chat_completion`.
struct StoredCompletion: Sendable, Codable, FetchableRecord, PersistableRecord {
    static let databaseTableName = "chat_completion"

    /// The order in which they came; given by the database.
    let number: Int?
    /// Begins with `chatcmpl-`.
    let id: String
    let tenant: TenantID
    /// `model` as the request named it.
    let model: String
    /// Unix seconds.
    let created: Int
    /// About what it takes.
    let bytes: Int
    var metadata: JSONDocument
    /// The messages of the request, as they came.
    let messages: JSONDocument
    /// The answer, and the fields of the request that tell how it came about.
    let document: JSONDocument

    /// Fields of a request that are kept beside its answer.
    private static let requestFields = [
        "temperature", "top_p", "presence_penalty", "frequency_penalty", "seed", "tools",
        "tool_choice", "response_format",
    ]

    /// The answer `document` to a request with those fields.
    init(_ document: JSONObject, to fields: RequestFields, tenant: TenantID) {
        var document = document
        for field in Self.requestFields { document[field] = fields[field] ?? .null }
        if let functions = fields["functions"]?.array, fields["tools"] == nil {
            document["tools"] = ChatMessages.tools(functions: functions)
        }
        number = nil
        id = document["id"]?.string ?? ""
        self.tenant = tenant
        model = document["model"]?.string ?? ""
        created = UnixTime.now
        metadata = JSONDocument(fields["metadata"] ?? [:])
        messages = JSONDocument(fields["messages"] ?? [])
        self.document = JSONDocument(.object(document))
        bytes = [metadata, messages, self.document].reduce(0) {
            $0 + $1.value.serializedBytes.count
        }
    }

    /// The object of the API.
    var json: JSONValue {
        var object = document.value.object ?? [:]
        object["metadata"] = metadata.value
        return .object(object)
    }

    /// The messages as the API lists them.
    var messageObjects: [JSONValue] {
        (messages.value.array ?? []).enumerated().map { place, message in
            var object: JSONObject = ["id": .string("\(id)-\(place)")]
            for (key, value) in message.object?.members ?? [] { object[key] = value }
            let parts = message["content"]?.array
            if let parts {
                object["content"] = .string(parts.compactMap { $0["text"]?.string }.joined())
            } else if object["content"] == nil {
                object["content"] = .null
            }
            if object["name"] == nil { object["name"] = .null }
            object["content_parts"] = parts.map(JSONValue.array) ?? .null
            return .object(object)
        }
    }
}

/// What people say of an answer, in its `metadata`.
struct AnswerFeedback {
    /// Whether it was good; `nil` where nobody said.
    let isGood: Bool?
    /// What it should have been.
    let correction: String?

    /// A correction may be as long as an answer.
    private static let lengths = ["correction": 1 << 16]

    init(_ metadata: JSONValue) {
        let words = ["up": true, "down": false]
        isGood = metadata["rating"]?.string.flatMap { words[$0] }
        correction = metadata["correction"]?.string.flatMap { $0.utf8.isEmpty ? nil : $0 }
    }

    /// Checks the `metadata` of an answer that is kept.
    static func check(_ fields: RequestFields) throws(APIError) {
        guard let metadata = try fields.checkMetadata(lengths: lengths) else { return }
        if let rating = metadata["rating"]?.string, !["up", "down"].contains(rating) {
            throw .notAmong("metadata.rating", ["up", "down"], rating)
        }
    }
}
