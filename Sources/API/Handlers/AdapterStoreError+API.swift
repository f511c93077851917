import AdapterStore

extension APIError {
    /// What the adapter store refuses, with the request field that named the adapter.
    init(_ error: AdapterStoreError, param: String) {
        let message = error.description
        switch error {
        case .unknownAdapter(let name) where param == "model":
            self = .modelNotFound(name)
        case .unknownAdapter, .unknownGeneration:
            self = APIError(
                status: .notFound,
                message: message,
                param: param,
                code: "model_not_found"
            )
        case .generationConflict:
            self = .conflict(message, param: "expected_generation", code: "generation_conflict")
        case .notPermitted: self = .forbidden(message)
        case .invalidName, .nameTaken, .nameIsAlias, .invalidWeights, .nothingToRollBack,
            .invalidMix,
            .pathNotAllowed, .invalidSource, .tooLarge:
            self = .invalid(param, message)
        case .wrongBase, .unfit: self = .invalid(param, message, code: "adapter_unfit")
        case .overAllowance: self = .overQuota(message)
        case .overBudget: self = .invalid(param, message, code: "adapter_too_large")
        case .damaged: self = .server(message)
        case .cancelled: self = .unavailable(message, code: "cancelled")
        case .storage: self = .server(message)
        case .unavailable: self = .outage(message)
        }
    }
}

extension APIError {
    /// Status 503 where a shared store is away: what is needed of it may be there again in seconds.
    static func outage(_ message: String) -> APIError {
        .unavailable(message, code: "storage_unavailable")
    }
}
