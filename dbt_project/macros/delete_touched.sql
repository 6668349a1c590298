{# Pre-hook of the incremental facts: takes away what this build writes again, of facts with a day from touched_from on. It runs in the
   transaction of the insert, so readers see the old rows or the new ones. The first build of a table has nothing to delete. #}
{% macro delete_touched(touched, columns, day='') -%}
{%- if is_incremental() -%}
delete from {{ this }} as kept using {{ touched }} as touched
        where {% for column in columns %}kept.{{ column }} = touched.{{ column }}{{ ' and ' if not loop.last }}{% endfor -%}
        {{ ' and kept.' ~ day ~ ' >= touched.touched_from' if day }}
    {%- else -%}
select 1
{%- endif -%}
{%- endmacro %}
