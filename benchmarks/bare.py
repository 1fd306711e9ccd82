"""A bare FastAPI route that returns a file's bytes from memory: what the service is compared with."""

import sys
from pathlib import Path

import uvicorn
from fastapi import FastAPI, Response


def main(file: str, port: str) -> None:
    body = Path(file).read_bytes()
    app = FastAPI()

    @app.get("/bare")
    async def bare() -> Response:
        return Response(body, media_type="application/json")

    uvicorn.run(app, port=int(port), log_level="warning", access_log=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
