import InferenceRuntime

/// One entry of `lora`: an adapter and how strongly it speaks.
struct AdapterChoice: Sendable, Hashable {
    /// How the entry names its adapter.
    enum Name: Sendable, Hashable {
        /// A name, alias or generation.
        case name(String)
        /// An index into the `--adapter` list, as llama.cpp counts.
        case index(Int)
    }

    let name: Name
    /// −8…8; multiplies the adapter's own scale.
    let scale: Double
    /// Where it stands, such as `lora[1]`.
    let param: String

    static func list(_ fields: RequestFields) throws(APIError) -> [AdapterChoice]? {
        guard let elements = try fields.array("lora") else { return nil }
        guard elements.count <= 32 else {
            throw .invalid("lora", "Invalid 'lora': at most 32 adapters can be mixed.")
        }
        var choices: [AdapterChoice] = []
        for (index, element) in elements.enumerated() {
            choices.append(try one(element, fields.name("lora[\(index)]")))
        }
        return choices
    }

    private static func one(_ value: JSONValue, _ path: String) throws(APIError) -> AdapterChoice {
        guard let object = value.object else {
            throw .wrongType(path, expected: "an object with 'name' and 'scale'", got: value)
        }
        let fields = RequestFields(object, path: path + ".")
        for (key, _) in object.members where !["name", "id", "scale"].contains(key) {
            throw .invalid(
                fields.name(key),
                "Unknown field '\(fields.name(String(key.prefix(80))))': an entry of 'lora' has "
                    + "'name' (or 'id') and 'scale'.",
                code: "unknown_parameter"
            )
        }
        let scale = try fields.number("scale", in: -8...8) ?? 1
        if let name = try fields.string("name") {
            guard fields["id"] == nil else {
                throw .invalid(path, "'\(path)' has both 'name' and 'id'; give one of them.")
            }
            return AdapterChoice(name: .name(name), scale: scale, param: path)
        }
        guard let index = try fields.integer("id", in: 0...Int.max) else {
            throw .missing(fields.name("name"))
        }
        return AdapterChoice(name: .index(index), scale: scale, param: path)
    }
}
