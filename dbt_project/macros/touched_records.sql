{# The parts of int_service__touched_record. The day is the first that may differ: for ever ago where anything may. #}

{# Records that came, or whose person identity has moved: of an episode that they tell of as a whole. #}
{% macro touched_records(family, table, key) -%}
    select
        '{{ family }}' as service_family_code,
        sender_code,
        {{ key }} as episode_id,
        date '1900-01-01' as touched_from
    from {{ source('raw', table) }}
    where
        {{ in_new_deliveries('delivery_id') }}
        or person_ref in (
            select moved_ref.person_ref
            from moved_ref
        )
{%- endmacro %}

{# Periods of an episode that came. One that follows others changes nothing of their days, but from the dates that it brings: `parts` are
   its tables with such dates. They count from the start of their period, a `unit`, as what it declares is spread over its days. #}
{% macro touched_periods(family, table, key, unit, parts) -%}
    select
        '{{ family }}',
        period.sender_code,
        period.{{ key }},
        case
            when period.operation = 'I' and before.next_on is not null
                then least(before.next_on{% for part, _ in parts %}, {{ part }}.first_on{% endfor %})
            else date '1900-01-01'
        end
    from {{ source('raw', table) }} as period
    {% for part, day in parts %}
    left join lateral (
        select cast(date_trunc('{{ unit }}', min({{ part }}.{{ day }})) as date) as first_on
        from {{ source('raw', table.split('__')[0] ~ '__' ~ part) }} as {{ part }}
        where
            period.delivery_id = {{ part }}.delivery_id
            and period.record_number = {{ part }}.record_number
    ) as {{ part }} on true
    {% endfor %}
    left join lateral (
        select
            cast(max(before.period_start_on) + interval '{{ '3 months' if unit == 'quarter' else '1 month' }}' as date) as next_on
        from {{ ref('stg_' ~ table) }} as before
        where
            period.sender_code = before.sender_code
            and period.{{ key }} = before.{{ key }}
            and before.period_start_on < period.period_start_on
    ) as before on true
    where {{ in_new_deliveries('period.delivery_id') }}
{%- endmacro %}
