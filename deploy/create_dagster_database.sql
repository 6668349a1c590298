-- Run once by the PostgreSQL image, when the data folder is empty. The warehouse's own database is made by `iass up`.
create database dagster;
