#!/usr/bin/perl
# Who the sender is, over SMTP: SPF and DMARC out of a file of records, what each domain of ours lets happen to a
# forged message, and what is told about it: Authentication-Results, the journal, a failure of the DNS.
use strict;
use warnings;

use File::Temp qw(tempdir);
use Test::More;
use lib 't/lib';
use Poterne::Dns;
use Poterne::Gateway;
use Poterne::Mail qw(header_of letter);

my $root = tempdir( 'poterne-sender-XXXXXX', TMPDIR => 1, CLEANUP => 1 );
chmod 0755, $root;
Poterne::Gateway::write_file( "$root/zone", <<'END' );
good.example         TXT v=spf1 include:_spf.good.example -all
_spf.good.example    TXT v=spf1 ip4:127.0.0.1 -all
_dmarc.good.example  TXT v=DMARC1; p=reject
bank.example         TXT v=spf1 -all
_dmarc.bank.example  TXT v=DMARC1; p=reject
soft.example         TXT v=spf1 ~all
_dmarc.soft.example  TXT v=DMARC1; p=quarantine
down.example         TIMEOUT
_dmarc.down.example  TXT v=DMARC1; p=reject
END
my $next_hop = Poterne::Gateway::maildir_hop($root);
my %ours = map { ( "$_.univ.example" => { next_hop => $next_hop, recipients => ["jean\@$_.univ.example"], dmarc => $_ } ) }
    qw(none tag quarantine reject);
my $gateway = Poterne::Gateway->new(
    root     => $root,
    domains  => \%ours,
    settings => { sender => { keys => qq("$root/zone") } },
)->start;

sub send_from {
    my ( $domain, $author, @to ) = @_;
    my $letter = letter( $to[0] ) =~ s/^From: .*/From: Claire <claire\@$author>/r;
    $letter = "Authentication-Results: mx.poterne.example; dmarc=pass header.from=$author\n$letter";
    return $gateway->send_one( from => $domain ? "claire\@$domain" : '', to => \@to, data => \$letter );
}

sub received {
    my ($to) = @_;
    $gateway->wait_for_empty_queue or die "nothing is delivered\n";
    my @messages = $gateway->maildir_messages($to);
    unlink glob "$root/mail/" . join '/', ( reverse split /\@/, $to ), 'new', '*';
    return @messages;
}

sub found_of {
    my ($message) = @_;
    return ( header_of( $message, 'Authentication-Results' ) // '' ) =~ s/\s+/ /gr;
}

subtest 'who is what he says' => sub {
    my $to = 'jean@reject.univ.example';
    is( send_from( 'good.example', 'good.example', $to )->{code}, 250, 'is let in' );
    my ($message) = received($to);
    is( found_of($message),
        'mx.poterne.example; spf=pass smtp.mailfrom=claire@good.example; dkim=none; '
            . 'dmarc=pass header.from=good.example (p=reject)',
        'and our field says why; the forged one is gone'
    );
    unlike( $message, qr/^Subject: \[SPAM\]/m, 'no tag' );
};

subtest 'who is not: each domain of ours lets happen what it says' => sub {
    my %code = map { ( $_ => send_from( 'bank.example', 'bank.example', "jean\@$_.univ.example" ) ) } qw(none tag quarantine reject);
    is( $code{$_}{code}, 250, "$_: taken" ) for qw(none tag quarantine);
    is( $code{reject}{code}, 550, 'reject: refused' );
    like( $code{reject}{text}, qr/bank\.example asks for reject/, 'with the reason' );
    my ($none) = received('jean@none.univ.example');
    unlike( $none, qr/^Subject: \[SPAM\]/m, 'none: delivered as it is' );
    like( found_of($none), qr/spf=fail smtp.mailfrom=claire\@bank\.example; .*dmarc=fail header.from=bank.example policy.dmarc=reject/, 'but told' );
    my ($tag) = received('jean@tag.univ.example');
    like( $tag, qr/^Subject: \[SPAM\]/m, 'tag: tagged' );
    is( scalar received('jean@quarantine.univ.example'), 0, 'quarantine: not delivered' );
    is( scalar $gateway->spooled('quarantine'), 1, 'but held' );
};

subtest 'never more than the author asks for' => sub {
    is( send_from( 'soft.example', 'soft.example', 'jean@reject.univ.example' )->{code}, 250, 'quarantine is no refusal' );
    is( scalar $gateway->spooled('quarantine'), 2, 'it is held' );
};

subtest 'nobody chooses the mildest domain of ours by adding a recipient' => sub {
    my @to = map { "jean\@$_.univ.example" } qw(reject tag none);
    my $sent = send_from( 'bank.example', 'bank.example', @to );
    is( $sent->{code}, 550, 'refused, as the first one has it' );
    is( $sent->{rcpt}{$_}[0], 452, "$_: shall come in another message" ) for @to[ 1, 2 ];
    is( scalar received($_), 0, "$_: got nothing" ) for @to;
    is( send_from( 'bank.example', 'bank.example', reverse @to )->{code}, 250, 'the other way round' );
    unlike( ( received('jean@none.univ.example') )[0], qr/^Subject: \[SPAM\]/m, 'none: as it is' );
    is( scalar received($_), 0, "$_: waits for a message of its own" ) for @to[ 0, 1 ];
};

subtest 'a failure of the DNS is no fail' => sub {
    my $to = 'jean@reject.univ.example';
    is( send_from( 'down.example', 'down.example', $to )->{code}, 250, 'let in' );
    like( found_of( ( received($to) )[0] ), qr/spf=temperror .*dmarc=temperror/, 'and told' );
};

subtest 'a stranger in From' => sub {
    my $to = 'jean@tag.univ.example';
    send_from( 'good.example', 'bank.example', $to );
    like( found_of( ( received($to) )[0] ), qr/spf=pass .*dmarc=fail header.from=bank.example/, 'is not aligned' );
    send_from( '', 'bank.example', $to );
    like( found_of( ( received($to) )[0] ), qr/smtp\.helo=/, 'the null sender is judged by HELO' );
};

subtest 'names that are too long leave room for the answer' => sub {
    my $to     = 'jean@none.univ.example';
    my $chain  = join '', map { "ARC-Seal: i=$_; d=" . "\x01" x 60 . ".\x01" x 90 . "; s=\x01\n" } 1 .. 50;
    my $field  = 'DKIM-Signature: v=1; a=rsa-sha256; h=from; bh=YQ==; b=YQ==; d=' . "\x01\"" x 3000 . '; s=' . "\x02\\" x 3000 . "\n";
    my $letter = $chain . $field x 10 . letter($to);
    is( $gateway->send_one( from => 'claire@good.example', to => [$to], data => \$letter )->{code}, 250, 'let in' );
    is( scalar received($to), 1, 'and delivered' );
    my ($seen) = map { $_->{evidence}{content} // () } reverse $gateway->poterne_json( 'trace', $to );
    is( scalar @{ $seen->{dkim} }, 10, 'all ten signatures are in the evidence' );
    my @names = ( @{ $seen->{sender}{arc}{sealers} }, map { @{$_}{qw(domain selector)} } @{ $seen->{dkim} } );
    is( scalar @names, 50 + 20, 'and all who sealed it' );
    is( ( grep { length > 253 || /[^-.?\w]/ } @names ), 0, 'as what a host name can be' );
};

my ( undef, $trace ) = $gateway->poterne( 'trace', 'jean@tag.univ.example' );
like( $trace, qr/sender\s+spf fail \(bank\.example -all\), no signature, dmarc fail \(bank\.example asks for reject\)/, 'poterne trace tells it' );
like( $trace, qr/verdict\s+forged/, 'and the verdict' );
is( $gateway->stop, 0, 'the gateway stops' );

# --- the same of a real name server, through the resolver ---

SKIP: {
    skip Poterne::Dns::missing(), 1 if Poterne::Dns::missing();
    my @records = (
        'good.example. TXT "v=spf1 include:_spf.good.example -all"',
        '_spf.good.example. TXT "v=spf1 ip4:127.0.0.1 -all"',
        '_dmarc.good.example. TXT "v=DMARC1; p=reject"',
        'bank.example. TXT "v=spf1 -all"',
        '_dmarc.bank.example. TXT "v=DMARC1; p=reject"',
        '1.0.0.127.in-addr.arpa. PTR client.example.',
        'client.example. A 127.0.0.1',
    );
    my $dns = Poterne::Dns->new( folder => "$root/dns", records => \@records, silent => ['silent.example'] )->start;
    $gateway = Poterne::Gateway->new( root => "$root/dns", domains => \%ours, settings => { resolver => $dns->settings } );
    $gateway->start;
    is( send_from( 'bank.example', 'bank.example', 'jean@reject.univ.example' )->{code}, 550, 'with a name server: who is not is refused' );
    is( send_from( 'good.example', 'good.example', 'jean@tag.univ.example' )->{code}, 250, 'who is, is let in' );
    $gateway->wait_for_empty_queue or die "nothing is delivered\n";
    my ($delivered) = glob "$root/mail/tag.univ.example/jean/new/*";
    open my $file, '<', $delivered or die "nothing was delivered\n";
    my $message = do { local $/ = undef; <$file> };
    close $file or die "$delivered: $!\n";
    is( found_of($message),
        'mx.poterne.example; iprev=pass policy.iprev=127.0.0.1 (client.example); spf=pass smtp.mailfrom=claire@good.example; '
            . 'dkim=none; dmarc=pass header.from=good.example (p=reject)',
        'and told, with the name of the client'
    );
    # a key at a server that never answers: what is asked later has its time all the same
    my $letter = "DKIM-Signature: v=1; a=rsa-sha256; d=silent.example; s=x; h=from; bh=YQ==; b=YQ==\n" . letter('jean@none.univ.example')
        =~ s/^From: .*/From: Claire <claire\@good.example>/mr;
    is( $gateway->send_one( from => 'claire@good.example', to => ['jean@none.univ.example'], data => \$letter )->{code}, 250, 'a silent server: let in' );
    $gateway->wait_for_empty_queue or die "nothing is delivered\n";
    my ($slow) = map { $_->{evidence}{content}{sender} // () } $gateway->poterne_json( 'trace', 'jean@none.univ.example' );
    is( $slow->{spf}{result}, 'pass', 'the record that SPF includes is asked for' );
    is( $slow->{dmarc}{result}, 'pass', 'and DMARC has its answer' );
    is( $slow->{dns}{failed}, 1, 'one name fails alone' );
    my ($seen) = map { $_->{evidence}{content}{sender}{dns} // () } $gateway->poterne_json( 'trace', 'jean@tag.univ.example' );
    is_deeply( $seen, { asked => 6, rounds => 2, failed => 0 }, 'the record that SPF includes takes a second round, all else the first' );
    is( $gateway->stop, 0, 'the gateway stops' );
    $dns->stop;
}
done_testing();
