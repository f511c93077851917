import InferenceRuntime

/// What the columns and tags of a file are called, where they are not called as usual.
///
/// `dataset_info.json` says it. A record is rewritten with the usual names before it is read; with
/// columns given, what is not among them is left out, as LLaMA-Factory does.
struct RecordMapping: Sendable, Hashable {
    /// A column by our name and the file's.
    private struct Column: Sendable, Hashable { let ours: String, theirs: String }
    /// The columns that are read; `nil` leaves all as they are.
    private let columns: [Column]?
    /// The file's names of the members of a turn.
    private let turn: Turn
    private struct Turn: Sendable, Hashable { let role: String, content: String }
    /// The file's name of a role → ours.
    private let roles: [String: String]
    /// Whether turns are OpenAI's messages rather than ShareGPT's.
    private let isOpenAI: Bool

    /// Reads an entry's `columns` and `tags`, whose names have been checked.
    init(formatting: String, columns: JSONObject?, tags: JSONObject?) {
        let name = { (role: String, fallback: String) in tags?[role]?.string ?? fallback }
        isOpenAI =
            formatting == "openai"
            || (name("role_tag", "") == "role"
                && name("content_tag", "") == "content")
        turn = Turn(
            role: name("role_tag", isOpenAI ? "role" : "from"),
            content: name("content_tag", isOpenAI ? "content" : "value")
        )
        let usual = isOpenAI ? Self.openAIRoles : Self.shareGPTRoles
        roles = Dictionary(usual.map { (name($0.tag, $0.role), $0.role) }) { first, _ in first }
        let messages = isOpenAI ? "messages" : "conversations"
        let isText = formatting == "alpaca" && columns?.members.count == 1
        let ours = [
            "prompt": isText ? "text" : "instruction", "query": "input", "response": "output",
            "history": "history", "system": "system", "tools": "tools", "messages": messages,
            "chosen": "chosen", "rejected": "rejected", "kto_tag": FeedbackForms.tag,
        ]
        let given = columns?.members.compactMap { member -> Column? in
            guard let mine = ours[member.key], let theirs = member.value.string else { return nil }
            return Column(ours: mine, theirs: theirs)
        }
        // Conversations that the entry promises must be there, whatever else a record has.
        let usualPlaces = ["conversations", "messages"].map { Column(ours: messages, theirs: $0) }
        self.columns = given ?? (formatting == "alpaca" ? nil : usualPlaces)
    }

    private static let openAIRoles = [
        (tag: "user_tag", role: "user"), (tag: "assistant_tag", role: "assistant"),
        (tag: "observation_tag", role: "tool"), (tag: "system_tag", role: "system"),
    ]
    private static let shareGPTRoles = [
        (tag: "user_tag", role: "human"), (tag: "assistant_tag", role: "gpt"),
        (tag: "observation_tag", role: "observation"), (tag: "system_tag", role: "system"),
        (tag: "function_tag", role: "function_call"),
    ]

    /// The record with the usual names.
    func callAsFunction(_ record: JSONValue) -> JSONValue {
        guard let object = record.object else { return record }
        var members = object.members
        if let columns {
            members = columns.compactMap { column in
                object[column.theirs].map { (key: column.ours, value: $0) }
            }
        }
        let messages = isOpenAI ? "messages" : "conversations"
        for (index, member) in members.enumerated() where member.key == messages {
            members[index].value = .array((member.value.array ?? []).map(renamed))
        }
        for (index, member) in members.enumerated()
        where PreferenceForms.ranked.contains(member.key) && member.value.object != nil {
            members[index].value = renamed(member.value)
        }
        return .object(JSONObject(members))
    }

    private func renamed(_ message: JSONValue) -> JSONValue {
        guard let object = message.object else { return message }
        return .object(
            JSONObject(
                object.members.map { member in
                    switch member.key {
                    case turn.role:
                        let role = member.value.string.map { roles[$0] ?? $0 }
                        return (
                            isOpenAI ? "role" : "from", role.map(JSONValue.string) ?? member.value
                        )
                    case turn.content: return (isOpenAI ? "content" : "value", member.value)
                    default: return member
                    }
                }
            )
        )
    }
}
