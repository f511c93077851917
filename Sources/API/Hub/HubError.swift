/// Why a checkpoint could not be pulled or found, in words that say what to do.
public enum HubError: Error, Sendable, Hashable, CustomStringConvertible {
    /// A name that is no `ORG/NAME[@revision]`.
    case malformedReference(String)
    /// The endpoint is no URL of http or https.
    case malformedEndpoint(String)
    /// Offline mode, and the cache does not have it.
    case offline(String)
    /// Neither a folder nor in the cache.
    case notPulled(String)
    /// A file, or a path to nothing, where a folder is meant.
    case notAFolder(String)
    /// The hub has no such repository, or none that this token may see.
    case noRepository(HubReference, hasToken: Bool)
    /// The repository has no such branch, tag or commit.
    case noRevision(HubReference)
    /// The hub wants a token, or another one.
    case unauthorized(HubReference, hasToken: Bool, page: String)
    /// The account must ask for access first.
    case gated(HubReference, hasToken: Bool, page: String)
    /// Too many requests; seconds to wait where the hub says so.
    case rateLimited(HubReference, retryAfter: Int?, hasToken: Bool)
    /// Another status than expected.
    case unexpectedStatus(Int, url: String, message: String)
    /// The hub's answer cannot be used.
    case malformedAnswer(String)
    /// A file name that would leave its folder.
    case unsafeFileName(String)
    /// The repository lacks what facet needs.
    case unusable(HubReference, reason: String)
    /// The connection failed, after retries.
    case network(url: String, reason: String)
    /// What arrived is not what the hub said it would be.
    case corrupt(file: String, reason: String)
    /// The disk is too small or refuses.
    case storage(String)
    /// Another process is pulling the same repository.
    case busy(HubReference)

    /// What went wrong and what to do.
    public var description: String {
        switch self {
        case .malformedReference(let text):
            "'\(text)' is not a hub name: expected ORG/NAME or ORG/NAME@revision"
        case .malformedEndpoint(let text):
            "HF_ENDPOINT or MODELSCOPE_ENDPOINT: '\(text)' is not an http or https URL"
        case .offline(let name):
            "\(name) is not in the model cache, and HF_HUB_OFFLINE is set: unset it to download"
        case .notPulled(let name):
            "there is no folder '\(name)' and no such model in the cache; "
                + "to download it from the hub: facet pull \(name)"
        case .notAFolder(let path):
            "'\(path)' is no model; a model is a folder in Hugging Face layout (config.json, "
                + "tokenizer.json, *.safetensors), a .gguf file, or a hub id such as ORG/NAME"
        case .noRepository(let reference, let hasToken):
            "the hub has no repository \(reference.repository)"
                + Self.atRevision(reference)
                + (hasToken
                    ? " that \(reference.source.hub.tokenName) may see"
                    : "; if it is private, set \(reference.source.hub.tokenName) to a token of an "
                        + "account that may read it")
        case .noRevision(let reference):
            "\(reference.repository) has no branch, tag or commit '\(reference.revision)'"
        case .unauthorized(let reference, let hasToken, let page):
            Self.access(reference, "needs a login", hasToken, page)
        case .gated(let reference, let hasToken, let page):
            Self.access(reference, "is gated", hasToken, page)
        case .rateLimited(let reference, let seconds, let hasToken):
            "the hub refuses more requests for now"
                + (seconds.map { "; try again in \($0) s" } ?? "; try again in a few minutes")
                + (hasToken
                    ? "" : ", or set \(reference.source.hub.tokenName) for a higher limit")
        case .unexpectedStatus(let status, let url, let message):
            "\(url) answered \(status)" + (message.isEmpty ? "" : ": \(message)")
        case .malformedAnswer(let reason): "the hub's answer cannot be used: \(reason)"
        case .unsafeFileName(let name):
            "the repository lists a file that would leave its folder: '\(name)'; nothing was kept"
        case .unusable(let reference, let reason):
            "\(reference.repository) cannot be used: \(reason)"
        case .network(let url, let reason):
            "the connection to \(url) failed: \(reason); run the same command again to resume"
        case .corrupt(let file, let reason): "\(file) arrived damaged: \(reason)"
        case .storage(let reason): reason
        case .busy(let reference):
            "another process is pulling \(reference.repository); wait until it is done"
        }
    }

    /// ModelScope does not say whether it lacks the repository or the revision.
    private static func atRevision(_ reference: HubReference) -> String {
        reference.revision == reference.source.hub.branch ? "" : " at '\(reference.revision)'"
    }

    private static func access(
        _ reference: HubReference,
        _ what: String,
        _ hasToken: Bool,
        _ page: String
    ) -> String {
        let (what, token) = ("\(reference.repository) \(what)", reference.source.hub.tokenName)
        return hasToken
            ? "\(what), and the account of \(token) has no access: ask for it at \(page)"
            : "\(what): ask for access at \(page), then set \(token) to a token of that account"
    }
}
