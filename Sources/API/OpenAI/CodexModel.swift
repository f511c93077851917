import InferenceRuntime

/// A model as the Codex command line reads it from `models` of `GET /v1/models`.
enum CodexModel {
    /// - Parameter context: The most tokens of prompt and answer together.
    static func json(_ id: String, context: Int) -> JSONValue {
        var object: JSONObject = [
            "slug": .string(id), "display_name": .string(id),
            "context_window": JSONValue(context), "max_context_window": JSONValue(context),
            "auto_compact_token_limit": JSONValue(context / 10 * 9),
            "truncation_policy": ["mode": "tokens", "limit": JSONValue(context)],
        ]
        for (key, value) in fixed.members { object[key] = value }
        return .object(object)
    }

    /// What is the same for every model: text in and out, no tools that the server would run.
    private static let fixed: JSONObject = [
        "description": nil, "default_reasoning_level": nil, "supported_reasoning_levels": [],
        "shell_type": "default", "visibility": "list", "supported_in_api": true, "priority": 0,
        "additional_speed_tiers": [], "service_tiers": [], "default_service_tier": nil,
        "availability_nux": nil, "upgrade": nil, "base_instructions": "", "model_messages": nil,
        "supports_reasoning_summaries": false, "default_reasoning_summary": "auto",
        "support_verbosity": false, "default_verbosity": nil, "apply_patch_tool_type": nil,
        "web_search_tool_type": "text", "supports_parallel_tool_calls": false,
        "supports_image_detail_original": false, "effective_context_window_percent": 95,
        "experimental_supported_tools": [], "input_modalities": ["text"],
        "supports_search_tool": false, "use_responses_lite": false,
        "auto_review_model_override": nil, "tool_mode": nil, "multi_agent_version": nil,
    ]
}
