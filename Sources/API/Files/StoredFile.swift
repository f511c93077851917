public import Storage
import InferenceRuntime

/// A file a tenant uploaded, or a job left for it.
public struct StoredFile: Sendable, Hashable, Codable {
    /// Begins with `file-`.
    public let id: String
    /// Whose file it is.
    public let tenant: TenantID
    /// What its owner calls it; never a path of ours.
    public let filename: String
    /// What it is for, such as `fine-tune`.
    public let purpose: String
    /// Its size.
    public let bytes: Int
    /// When it was stored, in Unix seconds.
    public let created: Int
    /// When it goes by itself, in Unix seconds.
    public let expires: Int?

    static let idPrefix = "file-"

    /// The purposes a client may name.
    static let purposes = ["fine-tune", "assistants", "batch", "vision", "user_data", "evals"]

    /// The object of the API.
    var json: JSONValue {
        var object: JSONObject = [
            "id": .string(id),
            "object": "file",
            "bytes": JSONValue(bytes),
            "created_at": JSONValue(created),
            "filename": .string(filename),
            "purpose": .string(purpose),
            "status": "processed",
        ]
        object["expires_at"] = expires.map { JSONValue($0) }
        return .object(object)
    }
}
