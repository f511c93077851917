import InferenceRuntime
import Storage

/// The body of `POST /v1/chat/completions/export`, and the file that comes of it.
struct StoredCompletionExport: Sendable {
    /// What a record of the file is.
    enum Format: String, Sendable, CaseIterable {
        /// OpenAI's chat form, of answers that were rated up or corrected.
        case chat
        /// OpenAI's preference form: a correction over the answer.
        case preference
        /// LLaMA-Factory's `kto_tag`: an answer, and whether it was good.
        case kto
    }

    private let format: Format
    private var query: StoredCompletionStore.Query

    init(_ fields: RequestFields, tenant: TenantID) throws(APIError) {
        let word = try fields.requiredString("format")
        guard let format = Format(rawValue: word) else {
            throw .notAmong("format", Format.allCases.map(\.rawValue), word)
        }
        self.format = format
        query = StoredCompletionStore.Query(tenant: tenant, limit: 100)
        guard let filter = try fields.object("filter") else { return }
        // A condition that is not known would let more in than was meant.
        for key in filter.object.members.map(\.key) where !["model", "metadata"].contains(key) {
            throw .unsupported(filter.name(key), "a filter has 'model' and 'metadata'")
        }
        query.model = try filter.string("model")
        query.metadata = (try filter.checkMetadata()?.members ?? []).map {
            (key: $0.key, value: $0.value.string ?? "")
        }
    }

    /// Writes the file.
    ///
    /// - Throws: 400 where no answer fits, 429 beyond what the caller may store.
    func file(
        of store: StoredCompletionStore,
        in files: FilesHandler,
        for caller: Caller
    ) async throws -> StoredFile {
        let name = "completions-\(format.rawValue).jsonl"
        return try await files.make(name, purpose: "fine-tune", for: caller) { file in
            var query = query
            repeat {
                let page = try await store.completions(query)
                for completion in page.completions {
                    for record in records(completion) {
                        try await file.write((record.serializedBytes + [0x0A])[...])
                    }
                }
                query.after = page.hasMore ? page.completions.last : nil
            } while query.after != nil
            guard file.bytes > 0 else {
                throw APIError.invalid(
                    "filter",
                    "No stored answer can be exported as '\(format.rawValue)'. \(format.needs)"
                )
            }
        }
    }

    /// The records that an answer gives.
    func records(_ completion: StoredCompletion) -> [JSONValue] {
        let feedback = AnswerFeedback(completion.metadata.value)
        let answer = Self.answer(completion)
        let correction = feedback.correction.map { text -> JSONValue in
            ["role": "assistant", "content": .string(text)]
        }
        let messages = completion.messages.value.array ?? []
        let tools = completion.document.value["tools"]?.array
        func record(_ messages: [JSONValue]) -> JSONObject {
            var record: JSONObject = ["messages": .array(messages)]
            if let tools { record["tools"] = .array(tools) }
            return record
        }
        switch format {
        case .chat:
            guard let last = correction ?? (feedback.isGood == true ? answer : nil) else {
                return []
            }
            return [.object(record(Self.untrained(messages) + [last]))]
        case .preference:
            guard let answer, let correction, answer["content"] != correction["content"] else {
                return []
            }
            return [
                [
                    "input": .object(record(messages)),
                    "preferred_output": [correction],
                    "non_preferred_output": [answer],
                ]
            ]
        case .kto:
            var judged: [(JSONValue, Bool)] = []
            if let correction { judged.append((correction, true)) }
            // Who corrects an answer says that it was not good, unless they say that it was.
            let isGood = feedback.isGood ?? (correction == nil ? nil : false)
            if let answer, let isGood { judged.append((answer, isGood)) }
            return judged.map { message, isGood in
                var record = record(messages + [message])
                record["kto_tag"] = .bool(isGood)
                return .object(record)
            }
        }
    }

    /// What the model said, of several choices the first.
    private static func answer(_ completion: StoredCompletion) -> JSONValue? {
        guard let message = completion.document.value["choices"]?.array?.first?["message"] else {
            return nil
        }
        var answer: JSONObject = ["role": "assistant"]
        for key in ["content", "reasoning_content", "tool_calls"] {
            if let value = message[key], !value.isNull || key == "content" { answer[key] = value }
        }
        return .object(answer)
    }

    /// Earlier answers were not judged, so nothing is learned from them.
    private static func untrained(_ messages: [JSONValue]) -> [JSONValue] {
        messages.map { message in
            guard case .object(var object) = message, object["role"] == "assistant" else {
                return message
            }
            object["weight"] = 0
            return .object(object)
        }
    }
}

extension StoredCompletionExport.Format {
    /// What an answer needs to become a record.
    fileprivate var needs: String {
        switch self {
        case .chat: "It takes answers with 'rating': 'up' or a 'correction' in their metadata."
        case .preference: "It takes answers with a 'correction' in their metadata."
        case .kto: "It takes answers with a 'rating' or a 'correction' in their metadata."
        }
    }
}
