{# A dimension that is a code list: one member per code with its newest label, and the special members. #}
{% macro code_dimension(subject, seed) -%}
    select
        {{ surrogate_key(subject, ['code']) }} as {{ subject }}_key,
        code as {{ subject }}_code,
        (array_agg(label_it order by valid_to desc nulls first))[1] as {{ subject }}_label,
        min(coalesce(valid_from, date '1900-01-01')) as valid_from,
        max(coalesce(valid_to, date '9999-12-31')) as valid_to
    from {{ ref(seed) }}
    group by code
    union all
    {{ special_members() }}
{%- endmacro %}

{% macro special_members() -%}
    select
        special.member_key,
        special.member_code,
        special.member_label,
        date '1900-01-01',
        date '9999-12-31'
    from (
        values (-1::bigint, '-1', 'Non noto'), (-2::bigint, '-2', 'Anonimo'), (-3::bigint, '-3', 'Non applicabile')
    ) as special (member_key, member_code, member_label)
{%- endmacro %}
