# Production image: no embedded servers are started; DATABASE_URL and REDIS_URL name them.
FROM python:3.12-slim

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 DJANGO_SETTINGS_MODULE=orchestrator.settings.production \
    CRESCENDO_VAR=/var/lib/crescendo
WORKDIR /app

COPY requirements.txt .
RUN pip install --no-cache-dir --require-hashes -r requirements.txt

COPY . .
RUN useradd --system --home /app crescendo \
 && install -d -o crescendo /var/lib/crescendo \
 && export SECRET_KEY=only-to-collect-static-files-this-key-signs-nothing-at-all \
           ALLOWED_HOSTS=build ADDRESS_HASH_KEY=build DATABASE_URL=postgresql:///none REDIS_URL=unix:///none \
 && python manage.py compile_translations \
 && CRESCENDO_VAR=/app/built python manage.py collectstatic --noinput --verbosity 0
ENV CRESCENDO_STATIC_ROOT=/app/built/static

USER crescendo
EXPOSE 8000
# One container may hold everything; compose.yaml runs web, workers and timetable apart.
CMD ["python", "manage.py", "up", "--host", "0.0.0.0"]
