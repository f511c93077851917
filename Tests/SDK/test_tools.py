"""Calls of tools, with the official clients: forced ones are valid, whatever the model would say."""

import json

import anthropic
import openai
import pytest

ENUM = ["door", "window", "wall"]
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of a city.",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string", "enum": ["Paris", "Rome"]},
                "days": {"type": "integer", "minimum": 1, "maximum": 9},
            },
            "required": ["city", "days"],
            "additionalProperties": False,
        },
    },
}
OPEN = {
    "type": "function",
    "function": {
        "name": "open_it",
        "parameters": {
            "type": "object",
            "properties": {"what": {"enum": ENUM}},
            "required": ["what"],
            "additionalProperties": False,
        },
    },
}
MESSAGES = [{"role": "user", "content": "What is the weather in Rome?"}]
NAMED = {"type": "function", "function": {"name": "open_it"}}
ALLOWED = {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [NAMED]}}


def check(name, arguments):
    arguments = json.loads(arguments) if isinstance(arguments, str) else arguments
    if name == "get_weather":
        assert arguments["city"] in ("Paris", "Rome") and 1 <= arguments["days"] <= 9
        assert set(arguments) == {"city", "days"}
    else:
        assert name == "open_it" and arguments["what"] in ENUM and set(arguments) == {"what"}


@pytest.fixture(scope="module")
def claude(server):
    return anthropic.Anthropic(base_url=server.url, api_key="none", max_retries=0)


@pytest.mark.parametrize("choice", ["required", NAMED, ALLOWED])
@pytest.mark.parametrize("sampling", [{"temperature": 0}, {"temperature": 1, "seed": 3}])
def test_a_forced_call_is_valid(client, base, choice, sampling):
    answer = client.chat.completions.create(
        model=base, messages=MESSAGES, tools=[WEATHER, OPEN], tool_choice=choice, **sampling,
        parallel_tool_calls=False, max_tokens=300,
    ).choices[0]
    [call] = answer.message.tool_calls
    assert answer.finish_reason == "tool_calls" and answer.message.content is None
    assert call.id.startswith("call_") and len(call.id) == 29
    check(call.function.name, call.function.arguments)
    if choice != "required":
        assert call.function.name == "open_it"


def test_a_streamed_call_is_the_same_call(client, base):
    asked = dict(
        model=base, messages=MESSAGES, tools=[WEATHER], tool_choice="required", temperature=0,
        parallel_tool_calls=False, max_tokens=300,
    )
    whole = client.chat.completions.create(**asked).choices[0].message.tool_calls[0]
    with client.chat.completions.stream(**asked) as stream:
        for _ in stream:
            pass
        final = stream.get_final_completion().choices[0]
    [call] = final.message.tool_calls
    assert final.finish_reason == "tool_calls"
    assert call.function.arguments == whole.function.arguments
    assert call.function.name == "get_weather"


def test_an_agent_goes_on_from_the_result(client, base):
    """Call, result, answer: the second request's prompt has the call and what came of it."""
    first = client.chat.completions.create(
        model=base, messages=MESSAGES, tools=[WEATHER], tool_choice="required", temperature=0,
        parallel_tool_calls=False, max_tokens=300,
    )
    message = first.choices[0].message
    result = {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": "Sunny, 31 °C."}
    second = client.chat.completions.create(
        model=base, messages=[*MESSAGES, message, result], tools=[WEATHER], temperature=0,
        max_tokens=8,
    )
    assert second.usage.prompt_tokens > first.usage.prompt_tokens


def test_responses_give_function_calls(client, base):
    tool = {"type": "function", "strict": True, **WEATHER["function"]}
    response = client.responses.create(
        model=base, input="Weather?", tools=[tool], tool_choice="required", temperature=0,
        parallel_tool_calls=False, max_output_tokens=300,
    )
    [call] = response.output
    assert call.type == "function_call" and call.status == "completed"
    check(call.name, call.arguments)
    output = {"type": "function_call_output", "call_id": call.call_id, "output": "Sunny."}
    second = client.responses.create(
        model=base, input=[output], previous_response_id=response.id, tools=[tool],
        temperature=0, max_output_tokens=8,
    )
    assert second.usage.input_tokens > response.usage.input_tokens


@pytest.mark.parametrize("choice", [{"type": "any"}, {"type": "tool", "name": "get_weather"}])
def test_messages_give_tool_use_blocks(claude, base, choice):
    tool = {"name": "get_weather", "input_schema": WEATHER["function"]["parameters"]}
    asked = dict(
        model=base, max_tokens=300, messages=[{"role": "user", "content": "Weather?"}],
        tools=[tool], tool_choice=choice | {"disable_parallel_tool_use": True},
        extra_body={"temperature": 0},
    )
    message = claude.messages.create(**asked)
    [block] = message.content
    assert message.stop_reason == "tool_use" and block.type == "tool_use"
    check(block.name, block.input)
    with claude.messages.stream(**asked) as stream:
        streamed = stream.get_final_message()
    assert streamed.content[0].input == block.input
    result = {"type": "tool_result", "tool_use_id": block.id, "content": "Sunny."}
    second = claude.messages.create(
        model=base, max_tokens=8, tools=[tool],
        messages=[
            *asked["messages"], {"role": "assistant", "content": message.content},
            {"role": "user", "content": [result]},
        ],
    )
    # Anthropic counts what came from the cache apart.
    read = [m.usage.input_tokens + m.usage.cache_read_input_tokens for m in (message, second)]
    assert read[1] > read[0]


def test_a_choice_without_tools_is_refused(client, base):
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model=base, messages=MESSAGES, tool_choice="required")
    assert caught.value.param == "tool_choice"


def test_a_call_beside_other_answers_is_the_call_alone(client, base):
    """A constrained row changes no other row of its batch, nor is it changed."""
    from concurrent.futures import ThreadPoolExecutor

    def call(seed):
        answer = client.chat.completions.create(
            model=base, messages=MESSAGES, tools=[WEATHER, OPEN], tool_choice="required",
            temperature=1, seed=seed, max_tokens=300,
        )
        return [c.function.arguments for c in answer.choices[0].message.tool_calls or []]

    def text(seed):
        answer = client.chat.completions.create(
            model=base, messages=MESSAGES, temperature=1, seed=seed, max_tokens=40
        )
        return answer.choices[0].message.content

    alone = [(call(seed), text(seed)) for seed in range(3)]
    with ThreadPoolExecutor(6) as pool:
        calls = [pool.submit(call, seed) for seed in range(3)]
        texts = [pool.submit(text, seed) for seed in range(3)]
        beside = [(c.result(), t.result()) for c, t in zip(calls, texts)]
    assert beside == alone
