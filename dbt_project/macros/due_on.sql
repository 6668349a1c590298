{# The last day of a window that closes so many days after a period (a flow whose period is a day is due by its month). #}
{% macro due_on(start, kind, days) -%}
    cast(
        date_trunc('month', {{ start }})
        + case {{ kind }} when 'quarter' then interval '3 months' when 'half_year' then interval '6 months' else interval '1 month' end
        as date
    ) + {{ days }} - 1
{%- endmacro %}
