/// Which hub a repository is on, and what it holds.
public struct HubSource: Sendable, Hashable {
    /// The hub.
    public var hub: Hub
    /// What the repository holds.
    public var kind: RepositoryKind

    /// A kind of repository on a hub.
    public init(_ hub: Hub = .huggingface, _ kind: RepositoryKind = .model) {
        (self.hub, self.kind) = (hub, kind)
    }
}

/// A hub by its API.
public enum Hub: String, Sendable, Hashable, CaseIterable {
    /// Hugging Face, and what speaks as it does.
    case huggingface
    /// ModelScope.
    case modelscope

    /// The hub that the environment asks for: `USE_MODELSCOPE_HUB`, as LLaMA-Factory has it.
    public init(environment: [String: String]) {
        self = Self.isOn(environment["USE_MODELSCOPE_HUB"]) ? .modelscope : .huggingface
    }

    /// The branch that is meant where none is named.
    var branch: String { self == .huggingface ? "main" : "master" }

    /// The environment variable of the token.
    var tokenName: String { self == .huggingface ? "HF_TOKEN" : "MODELSCOPE_API_TOKEN" }

    /// The environment variable of the address, and the usual address.
    var endpoint: (name: String, address: String) {
        switch self {
        case .huggingface: ("HF_ENDPOINT", "https://huggingface.co")
        case .modelscope: ("MODELSCOPE_ENDPOINT", "https://www.modelscope.cn")
        }
    }

    static func isOn(_ text: String?) -> Bool {
        ["1", "true", "yes", "on"].contains(text?.lowercased() ?? "")
    }
}

/// What a repository holds.
public enum RepositoryKind: String, Sendable, Hashable, CaseIterable {
    /// A checkpoint, or an adapter for one.
    case model
    /// Examples in files.
    case dataset
}
