{# A positive bigint from the natural key: the same in a full refresh, an incremental build and another installation.
   The three special members (-1 unknown, -2 anonymous, -3 not applicable) can never be met. #}
{% macro surrogate_key(subject, columns) -%}
    (
        hashtextextended(
            concat_ws('|', '{{ subject }}'{% for column in columns %}, coalesce(cast({{ column }} as text), ''){% endfor %}), 0
        ) & 9223372036854775807
    )
{%- endmacro %}
