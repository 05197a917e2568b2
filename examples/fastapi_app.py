"""A web API that publishes, with FastAPI: `uvicorn examples.fastapi_app:app`.

One AsyncQueue serves the whole app; it is opened and closed with it. `POST /products/42/index` asks for product 42 to
be indexed, once, however often it is called before that has begun; with `?again=1` also once more if it is being
indexed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException, Request, Response

from convoy_core import AsyncQueue, InvalidInput, StoreError


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Have one queue for the life of the app. It connects with the first request."""
    async with AsyncQueue("products") as queue:
        app.state.products = queue
        yield


app = FastAPI(lifespan=lifespan)


def products(request: Request) -> AsyncQueue:
    """The queue of the app."""
    queue: AsyncQueue = request.app.state.products
    return queue


Products = Annotated[AsyncQueue, Depends(products)]


@app.post("/products/{product}/index", status_code=202)
async def index(product: str, queue: Products, response: Response, again: bool = False) -> dict[str, str]:
    """Ask for a product to be indexed."""
    try:
        answer = await queue.publish(product, rerun=again)
    except InvalidInput as error:
        raise HTTPException(422, str(error)) from error
    except StoreError as error:
        raise HTTPException(503, "The queue is not to be reached; try again.") from error
    if not answer.is_accepted:
        response.status_code = 200
    return {"product": product, "answer": answer}


@app.get("/products/{product}/index")
async def state(product: str, queue: Products) -> dict[str, str | None]:
    """Where it is now."""
    details = await queue.show(product)
    return {"product": product, "state": details.state, "error": details.failure.error if details.failure else None}
