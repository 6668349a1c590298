{# Pre-hook of the incremental facts: takes away what this build writes again. It runs in the transaction of the insert, so
   readers see the old rows or the new ones. The first build of a table has nothing to delete. #}
{% macro delete_touched(touched, columns) -%}
{%- if is_incremental() -%}
delete from {{ this }} as kept using {{ touched }} as touched
        where {% for column in columns %}kept.{{ column }} = touched.{{ column }}{{ ' and ' if not loop.last }}{% endfor %}
    {%- else -%}
select 1
{%- endif -%}
{%- endmacro %}
