import InferenceRuntime

/// `GET /props` and `/slots`, in llama.cpp's words.
struct PropertiesHandlers: Sendable {
    let model: ServedModel

    /// What the server serves, and what it does where a request is silent.
    func properties(_: HTTPRequest, _: Caller) async throws -> HTTPResponse {
        let defaults = model.defaults
        let settings: JSONValue = [
            "n_ctx": JSONValue(model.generator.contextTokens),
            "params": [
                "temperature": JSONValue(defaults.temperature ?? 1),
                "top_p": JSONValue(defaults.topP ?? 1), "top_k": JSONValue(defaults.topK ?? 0),
                "min_p": 0,
            ],
        ]
        return .json([
            "default_generation_settings": settings,
            "total_slots": JSONValue(model.generator.statistics.maxRunning),
            "model_alias": .string(model.id), "model_path": .string(model.base.folder),
            "chat_template": .string(model.base.encoder.templates?.main.source ?? ""),
            "modalities": ["vision": false, "audio": false],
            "build_info": .string("facet \(FacetVersion.text)"),
        ])
    }

    /// The places for sequences that are computed together; the first ones are taken.
    func slots(_: HTTPRequest, _: Caller) async throws -> HTTPResponse {
        let statistics = model.generator.statistics
        let context = JSONValue(model.generator.contextTokens)
        let slots = (0..<statistics.maxRunning).map { index -> JSONValue in
            [
                "id": JSONValue(index), "n_ctx": context,
                "is_processing": .bool(index < statistics.running),
            ]
        }
        return .json(.array(slots))
    }
}
