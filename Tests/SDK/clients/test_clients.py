"""Each client with the settings that docs/API.md gives for it: structured answers, tools, streams."""

import asyncio
import json
import os
import subprocess
import sys
from typing import Literal

import pytest
from pydantic import BaseModel, Field

LIMIT = 300


class Order(BaseModel):
    """An order of the shop."""

    item: Literal["door", "window"]
    count: int = Field(ge=1, le=9)


@pytest.fixture(scope="module")
def langchain(server, base):
    from langchain_openai import ChatOpenAI

    return ChatOpenAI(
        base_url=server.url + "/v1", api_key="none", model=base, temperature=0, max_tokens=LIMIT
    )


def test_langchain_answers_and_streams(langchain):
    whole = langchain.bind(max_tokens=12).invoke("Say hello.")
    assert whole.content and whole.usage_metadata["output_tokens"] <= 12
    parts = [chunk.content for chunk in langchain.bind(max_tokens=12).stream("Say hello.")]
    assert "".join(parts) == whole.content


@pytest.mark.parametrize("method", ["json_schema", "function_calling"])
def test_langchain_structures(langchain, method):
    order = langchain.with_structured_output(Order, method=method).invoke("Two windows, please.")
    assert isinstance(order, Order)


def test_langchain_calls_tools(langchain):
    from langchain_core.messages import HumanMessage, ToolMessage
    from langchain_core.tools import tool

    @tool
    def price(item: Literal["door", "window"]) -> str:
        """The price of an item."""
        return "12 euros"

    question = HumanMessage("What is a door?")
    answer = langchain.bind_tools([price], tool_choice="any", parallel_tool_calls=False).invoke(
        [question]
    )
    [call] = answer.tool_calls
    assert call["name"] == "price" and call["args"]["item"] in ("door", "window")
    result = ToolMessage(price.invoke(call["args"]), tool_call_id=call["id"])
    assert langchain.bind(max_tokens=8).invoke([question, answer, result]).content is not None


def test_langchain_over_responses(server, base):
    from langchain_openai import ChatOpenAI

    model = ChatOpenAI(
        base_url=server.url + "/v1", api_key="none", model=base, temperature=0, max_tokens=12,
        use_responses_api=True,
    )
    assert model.invoke("Say hello.").text


@pytest.mark.parametrize("mode", ["TOOLS", "JSON_SCHEMA"])
def test_instructor_gives_models(server, base, mode):
    import instructor
    import openai

    client = instructor.from_openai(
        openai.OpenAI(base_url=server.url + "/v1", api_key="none", max_retries=0),
        mode=getattr(instructor.Mode, mode),
    )
    order = client.chat.completions.create(
        model=base, response_model=Order, temperature=0, max_tokens=LIMIT, max_retries=0,
        messages=[{"role": "user", "content": "Two windows, please."}],
    )
    assert isinstance(order, Order)


def test_outlines_holds_answers_to_types(server, base):
    import openai
    import outlines

    client = openai.OpenAI(base_url=server.url + "/v1", api_key="none", max_retries=0)
    model = outlines.from_vllm(client, base)
    assert model("Door or window?", Literal["door", "window"], max_tokens=9) in ("door", "window")
    Order.model_validate_json(model("Two windows, please.", Order, max_tokens=LIMIT))
    code = model("A code?", outlines.types.Regex("[A-Z]{2}[0-9]{3}"), max_tokens=LIMIT)
    assert len(code) == 5 and code[:2].isupper() and code[2:].isdigit()


@pytest.mark.parametrize("protocol", ["chat", "responses"])
def test_an_agent_calls_its_tool_and_goes_on(server, base, protocol):
    import agents
    import openai

    agents.set_tracing_disabled(True)
    client = openai.AsyncOpenAI(base_url=server.url + "/v1", api_key="none", max_retries=0)
    asked = []

    @agents.function_tool
    def price(item: Literal["door", "window"]) -> str:
        """The price of an item."""
        asked.append(item)
        return "12 euros"

    kind = (
        agents.OpenAIChatCompletionsModel if protocol == "chat" else agents.OpenAIResponsesModel
    )
    agent = agents.Agent(
        name="desk",
        instructions="Answer briefly.",
        tools=[price],
        model=kind(model=base, openai_client=client),
        model_settings=agents.ModelSettings(
            tool_choice="required", temperature=0, max_tokens=LIMIT, parallel_tool_calls=False
        ),
        # The model is asked once: what it makes of the result is its own affair.
        tool_use_behavior="stop_on_first_tool",
    )
    result = asyncio.run(agents.Runner.run(agent, "What is a door?"))
    assert asked and asked[0] in ("door", "window")
    assert result.final_output == "12 euros"


def test_llm_answers_from_the_command_line(server, base, tmp_path):
    (tmp_path / "extra-openai-models.yaml").write_text(
        f"- model_id: facet\n  model_name: {base}\n  api_base: {server.url}/v1\n"
        "  supports_schema: true\n"
    )
    environment = os.environ | {"LLM_USER_PATH": str(tmp_path), "OPENAI_API_KEY": "none"}

    def ask(*arguments):
        command = [sys.executable, "-m", "llm", "-m", "facet", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert ask("-o", "max_tokens", "12", "-o", "temperature", "0", "Say hello.").strip()
    schema = json.dumps(Order.model_json_schema())
    answer = ask("--schema", schema, "-o", "temperature", "0", "Two windows, please.")
    Order.model_validate_json(answer)
