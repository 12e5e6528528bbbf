# One image for every process: the command says which. Build context: the checkout.
FROM python:3.12-slim
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /app
COPY pyproject.toml constraints.txt README.md ./
COPY jobs jobs
COPY outbound outbound
COPY service service
COPY worker worker
COPY generator generator
COPY pressrun pressrun
RUN pip install --no-cache-dir -c constraints.txt . \
    && useradd --system --uid 10001 --create-home --home-dir /data pressrun
USER pressrun
WORKDIR /data
ENTRYPOINT ["pressrun"]
CMD ["service"]
