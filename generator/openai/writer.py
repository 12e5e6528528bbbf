"""The writer that asks an OpenAI-compatible model. How prompts are worded and refusals are judged is not known here."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import ValidationError

from generator.answers import Answer, Usage
from generator.errors import ModelFailed, NoImageModel, NotWritten
from generator.items import Item, Mode
from generator.openai.completion import Completion
from generator.openai.endpoint import Endpoint, body_of
from generator.openai.events import LONGEST_LINE, DataLines
from generator.openai.protocol import Images, ImageTokens
from generator.openai.shaping import ideas_in, image_content, shaped
from generator.pictures import Picture
from generator.prompting import Prompt, Prompts
from generator.settings import OpenAI
from generator.wishes import NO_WISHES, Wishes

LARGEST_IMAGE_ANSWER = 16 * 2**20


class OpenAIWriter:
    """A stream is read piece by piece, so that cancelling closes the connection and no more is paid for."""

    def __init__(self, settings: OpenAI, prompts: Prompts) -> None:
        self._settings = settings
        self._prompts = prompts
        self._endpoint = Endpoint(settings)

    async def write(self, mode: Mode, item: Item, wishes: Wishes = NO_WISHES) -> Answer:
        completion = await self._completed(self._prompts.text(mode, item, wishes))
        content = shaped(completion.text(), wishes.component)
        if not content:
            raise completion.failure("The model answered nothing")
        return Answer(content=content, usage=completion.usage)

    async def think_up(self, mode: Mode, item: Item, count: int) -> Answer:
        completion = await self._completed(self._prompts.ideas(mode, item, count))
        try:
            ideas = ideas_in(completion.text(), count)
        except ValidationError:
            raise completion.failure("The model's ideas are not in the shape that was asked for") from None
        return Answer(content=ideas.content(), usage=completion.usage)

    async def draw(self, picture: Picture) -> Answer:
        model = self._settings.image_model
        if model is None:
            raise NoImageModel
        body = {"model": model, "prompt": self._prompts.image(picture), "n": 1}
        async with self._endpoint.opened("images/generations", {**body, **_size(picture)}) as response:
            told = await body_of(response, LARGEST_IMAGE_ANSWER)
        try:
            images = Images.model_validate_json(told)
        except ValidationError:
            raise NotWritten("The model's endpoint sent something that is no image") from None
        return Answer(content=image_content(images.data[0], picture), usage=self._usage(model, images.usage))

    async def close(self) -> None:
        await self._endpoint.close()

    async def _completed(self, prompt: Prompt) -> Completion:
        price = self._settings.prices.of(self._settings.model)
        completion = Completion(price, self._endpoint.key, f"{prompt.system}\n{prompt.user}")
        try:
            async with self._endpoint.opened("chat/completions", self._request(prompt)) as response:
                if "event-stream" not in response.headers.get("content-type", ""):
                    completion.take((await body_of(response, LONGEST_LINE)).decode(errors="replace"))
                    return completion
                lines = DataLines()
                async for piece in response.aiter_bytes():
                    for payload in lines.fed(piece):
                        completion.take(payload)
                    if completion.ended:
                        break
        except NotWritten as error:
            raise error if error.usage else completion.failure(error.reason) from None
        except ModelFailed as error:
            if not completion.begun:
                raise
            # Where the model told why it ended, the text is whole, and only what comes after it is lost.
            if not completion.told_why:
                raise completion.failure(error.reason) from None
        return completion

    def _request(self, prompt: Prompt) -> Mapping[str, object]:
        limit = self._settings.max_output_tokens
        return {
            "model": self._settings.model,
            "messages": [{"role": "system", "content": prompt.system}, {"role": "user", "content": prompt.user}],
            "stream": True,
            "stream_options": {"include_usage": True},
            **({self._settings.output_tokens_field: limit} if limit else {}),
        }

    def _usage(self, model: str, tokens: ImageTokens | None) -> Usage | None:
        if tokens is None:
            return None
        price = self._settings.prices.of(model)
        cost = price.cost(tokens.input_tokens, tokens.output_tokens) if price else None
        return Usage(input_tokens=tokens.input_tokens, output_tokens=tokens.output_tokens, cost=cost)


def _size(picture: Picture) -> Mapping[str, str]:
    return {"size": picture.size} if picture.size else {}
