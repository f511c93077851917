/// The rules for names, in one place.
public enum AdapterName {
    /// The longest name, in bytes.
    public static let maximumBytes = 128

    /// What fine-tuned models begin with; only the trainer makes such names.
    public static let fineTunedPrefix = "ft:"

    /// What stands between a fine-tuned model's name and a step number.
    public static let checkpointMark = ":ckpt-step-"

    /// Checks a name a user gives an adapter or an alias.
    ///
    /// - Parameters:
    ///   - name: 1–128 letters, digits, `.`, `_`, `-`.
    ///   - base: The base's id, which is taken.
    public static func check(_ name: String, base: String) throws(AdapterStoreError) {
        func refuse(_ reason: String) -> AdapterStoreError {
            .invalidName(name: String(name.prefix(200)), reason: reason)
        }
        if name.utf8.elementsEqual(base.utf8) { throw refuse("it is the base model's id") }
        guard !name.utf8.isEmpty else { throw refuse("it is empty") }
        guard name.utf8.count <= maximumBytes else { throw refuse("it is longer than 128 bytes") }
        guard !name.hasPrefix(fineTunedPrefix) else {
            throw refuse("the prefix ft: is reserved for fine-tuned models")
        }
        guard name.utf8.allSatisfy(isNameByte) else {
            throw refuse("only letters, digits, '.', '_' and '-' are allowed")
        }
        guard name != ".", name != ".." else { throw refuse("it is a folder's name") }
    }

    /// `ft:BASE:ORG:SUFFIX:ID`.
    public static func fineTuned(
        base: String,
        organization: String,
        suffix: String,
        id: String
    ) -> String {
        "\(fineTunedPrefix)\(base):\(organization):\(suffix):\(id)"
    }

    /// The name a checkpoint of the model `fineTuned` is served by.
    public static func checkpoint(of fineTuned: String, step: Int) -> String {
        fineTuned + checkpointMark + String(step)
    }

    /// Checks a name the trainer made.
    static func checkFineTuned(_ name: String) throws(AdapterStoreError) {
        let parts = name.utf8.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        let fits =
            name.hasPrefix(fineTunedPrefix) && (5...6).contains(parts.count)
            && name.utf8.count <= 512
            && name.utf8.allSatisfy { isNameByte($0) || $0 == UInt8(ascii: ":") }
        guard fits else {
            throw .invalidName(name: name, reason: "it is not ft:BASE:ORG:SUFFIX:ID")
        }
    }

    static func isFineTuned(_ name: String) -> Bool { name.hasPrefix(fineTunedPrefix) }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "-"):
            true
        default: false
        }
    }
}
